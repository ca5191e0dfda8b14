import { type MatchPattern, matchPatternAt, type PatternNode } from './match-patterns';
import { type Edit, edited } from './statement-text';
import { endOfClause, isClause, nameOf, type Token, tokenize } from './statement-tokens';

/** Of names that stand for a second mention of a node. */
const PREFIX = 'gs_again_';
/** What ends a WHERE. */
const CLAUSES = new Set('RETURN WITH MATCH OPTIONAL UNWIND UNION CALL HINT'.split(' '));

/** What is known of the nodes of a clause, or of several that the engine takes as one. */
class PatternGraph {
  /** Nodes that relationships connect have the same object; a node without a name is in no other place. */
  private readonly groups = new Map<string | PatternNode, object>();

  constructor(private readonly labels = new Map<string, string>()) {}

  /** The same nodes, and nothing connected. */
  apart(): PatternGraph {
    return new PatternGraph(this.labels);
  }

  note({ name, labels }: PatternNode): void {
    if (name !== undefined && labels !== '' && this.labelsOf(name) === '') this.labels.set(nameOf(name), labels);
  }

  labelsOf(name: Token): string {
    return this.labels.get(nameOf(name)) ?? '';
  }

  /** False where they are connected already. */
  connect(one: PatternNode, other: PatternNode): boolean {
    const [kept, given] = [this.groupOf(one), this.groupOf(other)];
    if (kept === given) return false;
    for (const [key, group] of this.groups) if (group === given) this.groups.set(key, kept);
    return true;
  }

  private groupOf(node: PatternNode): object {
    const key = node.name === undefined ? node : nameOf(node.name);
    const group = this.groups.get(key) ?? {};
    this.groups.set(key, group);
    return group;
  }
}

/**
 * The same question without circles in its patterns: in `(a)-->(b), (a)-->(c), (b)-->(c)` the last `c` gets a name of its
 * own, and `WHERE id(c) = id(...)` says that it is the same node. Undefined where the statement has no circle, or cannot be
 * read or written that way.
 */
export function acyclicStatement(statement: string): string | undefined {
  const tokens = tokenize(statement);
  if (tokens.some((token, at) => token.text.toLowerCase().startsWith(PREFIX) || isStar(tokens, at))) return undefined;
  const edits: Edit[] = [];
  /** Of the clause, and of those around the subquery that it is in. */
  const graphs = [new PatternGraph()];
  for (let at = 0; at < tokens.length; at += 1) {
    const { kind, text } = tokens[at];
    if (kind === 'mark' && text === '{') graphs.push(new PatternGraph());
    else if (kind === 'mark' && text === '}') graphs.pop();
    else if (isClause(tokens, at, 'WITH') || isClause(tokens, at, 'UNION')) graphs.splice(-1, 1, new PatternGraph());
    else if (isClause(tokens, at, 'MATCH')) {
      const pattern = matchPatternAt(statement, tokens, at + 1);
      const graph = tokens[at - 1]?.text === 'OPTIONAL' ? graphs.at(-1)?.apart() : graphs.at(-1);
      if (pattern === undefined || graph === undefined) return undefined;
      const renamed = renamedNodes(pattern, graph);
      if (renamed.length === 0) continue;
      const same = renamed.map(({ from, to, own }) => `id(${statement.slice(from, to)}) = id(${own})`);
      const where = whereEdits(tokens, pattern.next, same.join(' AND '));
      if (where === undefined) return undefined;
      edits.push(...renamed, ...where);
    }
  }
  return edits.length > 0 ? edited(statement, edits) : undefined;
}

/** Where a relationship leads to a node that is connected already: the name of its own that it gets there. */
function renamedNodes({ nodes, edges }: MatchPattern, graph: PatternGraph): (Edit & { own: string })[] {
  nodes.forEach((node) => graph.note(node));
  return edges.flatMap(({ from, to }) => {
    const { name, labels } = nodes[to];
    if (graph.connect(nodes[from], nodes[to]) || name === undefined) return [];
    const own = `${PREFIX}${name.start}`;
    const text = labels === '' ? own + graph.labelsOf(name) : own;
    return [{ from: name.start, to: name.end, text, own }];
  });
}

/** Adds conditions to the WHERE that may be at `at`; undefined where it has something behind it that cannot be read. */
function whereEdits(tokens: Token[], at: number, conditions: string): Edit[] | undefined {
  if (tokens[at]?.text !== 'WHERE' || tokens[at].kind !== 'word') {
    const { end } = tokens[at - 1];
    return [{ from: end, to: end, text: ` WHERE ${conditions}` }];
  }
  const next = endOfClause(tokens, at + 1, CLAUSES);
  if (tokens[next]?.text === 'HINT') return undefined;
  const [begin, end] = [tokens[at].end, tokens[next - 1].end];
  return [
    { from: begin, to: begin, text: ` ${conditions} AND (` },
    // On a line of its own, so that no comment takes it.
    { from: end, to: end, text: '\n)' },
  ];
}

/** `RETURN *` would give what is named anew as well. */
function isStar(tokens: Token[], at: number): boolean {
  const before = tokens[at - 1]?.text === 'DISTINCT' ? tokens[at - 2] : tokens[at - 1];
  return tokens[at].text === '*' && (before?.text === 'RETURN' || before?.text === 'WITH' || before?.text === ',');
}
