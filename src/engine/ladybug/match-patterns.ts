import { endOf, isNamed, type Token } from './statement-tokens';

export interface PatternNode {
  /** Where its name is in the statement; absent where it has none. */
  name?: Token;
  /** As written, with the colon; empty where it has none. */
  labels: string;
}

/** Nodes and the relationships between them: `edges` are places in `nodes`. */
export interface MatchPattern {
  nodes: PatternNode[];
  edges: { from: number; to: number }[];
  /** The place of the token behind it. */
  next: number;
}

/** Reads what follows a MATCH, from the token at `at` on; undefined where it cannot. */
export function matchPatternAt(statement: string, tokens: Token[], at: number): MatchPattern | undefined {
  const pattern: MatchPattern = { nodes: [], edges: [], next: at };
  for (;;) {
    if (tokens[pattern.next + 1]?.text === '=') pattern.next += 2;
    if (!readNode(statement, tokens, pattern)) return undefined;
    while (isRelationshipAt(tokens, pattern.next)) {
      const next = afterRelationship(tokens, pattern.next);
      if (next === undefined) return undefined;
      pattern.next = next;
      if (!readNode(statement, tokens, pattern)) return undefined;
      pattern.edges.push({ from: pattern.nodes.length - 2, to: pattern.nodes.length - 1 });
    }
    if (tokens[pattern.next]?.text !== ',') return pattern;
    pattern.next += 1;
  }
}

function readNode(statement: string, tokens: Token[], pattern: MatchPattern): boolean {
  const open = pattern.next;
  if (tokens[open]?.text !== '(') return false;
  const close = endOf(tokens, open);
  if (close === tokens.length) return false;
  const inside = tokens.slice(open + 1, close);
  const named = inside.length > 0 && isNamed(inside[0]);
  const properties = inside.findIndex(({ text }) => text === '{');
  const head = inside.slice(named ? 1 : 0, properties < 0 ? inside.length : properties);
  if (head.length > 0 && head[0].text !== ':') return false;
  const labels = head.length > 0 ? statement.slice(head[0].start, head.at(-1)!.end) : '';
  pattern.nodes.push({ name: named ? inside[0] : undefined, labels });
  pattern.next = close + 1;
  return true;
}

function isRelationshipAt(tokens: Token[], at: number): boolean {
  return tokens[at]?.text === '-' || (tokens[at]?.text === '<' && tokens[at + 1]?.text === '-');
}

/** Behind `-`, `-[...]-`, `<-[...]-` or `-[...]->`. */
function afterRelationship(tokens: Token[], at: number): number | undefined {
  let next = tokens[at].text === '<' ? at + 2 : at + 1;
  if (tokens[next]?.text === '[') next = endOf(tokens, next) + 1;
  if (tokens[next]?.text !== '-') return undefined;
  return tokens[next + 1]?.text === '>' ? next + 2 : next + 1;
}
