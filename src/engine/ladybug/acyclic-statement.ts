import { type MatchPattern, matchPatternAt } from './match-patterns';
import { endOf, isClause, nestingOf, type Token, tokenize } from './statement-tokens';

/** Of names that stand for a second mention of a node. */
const PREFIX = 'gs_again_';
/** Where a WHERE ends, where it is not by a bracket. */
const CLAUSES = new Set('RETURN WITH MATCH OPTIONAL UNWIND UNION CALL HINT'.split(' '));

interface Edit {
  from: number;
  to: number;
  text: string;
}

/** Nodes that relationships connect, by name; and the labels that they were given. */
interface Graph {
  group: Map<string, object>;
  labels: Map<string, string>;
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
  /** Those of the clause and of the subqueries around it; patterns of one part of a query are one. */
  const graphs: Graph[] = [emptyGraph()];
  let again = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token.text === '{' && token.kind === 'mark') graphs.push(emptyGraph());
    else if (token.text === '}' && token.kind === 'mark') graphs.pop();
    else if (isClause(tokens, at, 'WITH') || isClause(tokens, at, 'UNION')) graphs[graphs.length - 1] = emptyGraph();
    else if (isClause(tokens, at, 'MATCH')) {
      const pattern = matchPatternAt(statement, tokens, at + 1);
      if (pattern === undefined || graphs.length === 0) return undefined;
      const optional = tokens[at - 1]?.text === 'OPTIONAL';
      const graph = optional ? { ...emptyGraph(), labels: graphs.at(-1)!.labels } : graphs.at(-1)!;
      const mentions = secondMentions(statement, pattern, graph, () => `${PREFIX}${(again += 1)}`);
      if (mentions.length === 0) continue;
      const conditions = mentions.map(({ name, own }) => `id(${name}) = id(${own})`).join(' AND ');
      const where = whereEdits(tokens, pattern.next, conditions);
      if (where === undefined) return undefined;
      edits.push(...mentions.map(({ edit }) => edit), ...where);
    }
  }
  return edits.length > 0 ? edited(statement, edits) : undefined;
}

/** Where a relationship leads to a node that is connected already: the name that it gets there. */
function secondMentions(
  statement: string,
  { nodes, edges }: MatchPattern,
  { group, labels }: Graph,
  newName: () => string,
): { name: string; own: string; edit: Edit }[] {
  const mentions: { name: string; own: string; edit: Edit }[] = [];
  const keys = nodes.map(({ name }, place) => (name === undefined ? `${place}` : name.text.toUpperCase()));
  nodes.forEach((node, place) => {
    if (node.name && node.labels !== '' && !labels.has(keys[place])) labels.set(keys[place], node.labels);
  });
  // A node without a name is in no other place.
  const groups = nodes.map(({ name }, place) => (name && group.get(keys[place])) ?? {});
  nodes.forEach(({ name }, place) => {
    if (name === undefined) return;
    const known = group.get(keys[place]);
    if (known === undefined) group.set(keys[place], groups[place]);
    else groups[place] = known;
  });
  const join = (one: object, other: object): void => {
    for (const [key, value] of group) if (value === other) group.set(key, one);
    groups.forEach((value, place) => value === other && (groups[place] = one));
  };
  for (const { from, to } of edges) {
    const { name, labels: own } = nodes[to];
    if (groups[from] !== groups[to]) join(groups[from], groups[to]);
    else if (name !== undefined) {
      const given = newName();
      const known = own === '' ? (labels.get(keys[to]) ?? '') : '';
      const { start, end } = name;
      mentions.push({
        name: statement.slice(start, end),
        own: given,
        edit: { from: start, to: end, text: given + known },
      });
    }
  }
  return mentions;
}

/** Adds conditions to the WHERE that may be at `at`; undefined where it has something behind it that cannot be read. */
function whereEdits(tokens: Token[], at: number, conditions: string): Edit[] | undefined {
  if (tokens[at]?.text !== 'WHERE' || tokens[at].kind !== 'word') {
    const { end } = tokens[at - 1];
    return [{ from: end, to: end, text: ` WHERE ${conditions}` }];
  }
  let next = at + 1;
  while (next < tokens.length && !endsWhere(tokens, next))
    next = nestingOf(tokens[next]) > 0 ? endOf(tokens, next) + 1 : next + 1;
  if (tokens[next]?.text === 'HINT') return undefined;
  const [begin, end] = [tokens[at].end, tokens[Math.min(next, tokens.length) - 1].end];
  return [
    { from: begin, to: begin, text: ` ${conditions} AND (` },
    // On a line of its own, so that no comment takes it.
    { from: end, to: end, text: '\n)' },
  ];
}

function endsWhere(tokens: Token[], at: number): boolean {
  const { kind, text } = tokens[at];
  if (kind === 'mark') return text === ';' || nestingOf(tokens[at]) < 0;
  return CLAUSES.has(text) && isClause(tokens, at, text);
}

/** `RETURN *` would give what is named anew as well. */
function isStar(tokens: Token[], at: number): boolean {
  const before = tokens[at - 1]?.text === 'DISTINCT' ? tokens[at - 2] : tokens[at - 1];
  return tokens[at].text === '*' && (before?.text === 'RETURN' || before?.text === 'WITH' || before?.text === ',');
}

function edited(statement: string, edits: Edit[]): string {
  let text = '';
  let copied = 0;
  for (const { from, to, text: given } of edits.sort((one, other) => one.from - other.from)) {
    text += statement.slice(copied, from) + given;
    copied = to;
  }
  return text + statement.slice(copied);
}

function emptyGraph(): Graph {
  return { group: new Map(), labels: new Map() };
}
