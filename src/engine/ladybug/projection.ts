import { itemsOf, nestingOf, tokenize, type Token } from './statement-tokens';

/** One item after RETURN, without its `AS name`. */
export interface ProjectionItem {
  expression: string;
  star: boolean;
  /** Where in the statement the expression is. */
  start: number;
  end: number;
  /** Whether `AS name` follows. */
  named: boolean;
}

/** The projection that makes a result: the last RETURN of a statement, or of one branch of its UNION. */
export interface Projection {
  items: ProjectionItem[];
  /** Where in the statement more items can be inserted. */
  end: number;
}

const AFTER_ITEMS = new Set(['ORDER', 'SKIP', 'LIMIT', 'UNION', ';']);

/** Finds the projections of a statement's branches; undefined where it does not read as a query with RETURN. */
export function projectionsOf(statement: string): Projection[] | undefined {
  const tokens = tokenize(statement);
  const found: Projection[] = [];
  let depth = 0;
  let start: number | undefined;
  tokens.forEach((token, index) => {
    depth += nestingOf(token);
    if (depth !== 0 || !(token.kind === 'word' || token.text === ';') || isNamed(tokens[index - 1])) return;
    if (token.text === 'RETURN') start = index + 1;
    else if (start !== undefined && AFTER_ITEMS.has(token.text)) {
      found.push(projection(statement, tokens.slice(start, index)));
      start = undefined;
    }
  });
  if (start !== undefined) found.push(projection(statement, tokens.slice(start)));
  return found.length === 0 || found.some(({ items }) => items.length === 0) ? undefined : found;
}

function projection(statement: string, tokens: Token[]): Projection {
  const rest = tokens[0]?.text === 'DISTINCT' && tokens[0].kind === 'word' ? tokens.slice(1) : tokens;
  const items = itemsOf(rest);
  if (items.some((item) => item.length === 0)) return { items: [], end: 0 };
  return { items: items.map((item) => itemOf(statement, item)), end: items[items.length - 1].at(-1)!.end };
}

function itemOf(statement: string, tokens: Token[]): ProjectionItem {
  const named = tokens.length > 2 && tokens.at(-2)!.text === 'AS' && tokens.at(-2)!.kind === 'word';
  const own = named ? tokens.slice(0, -2) : tokens;
  const last = own[own.length - 1];
  const star = last.text === '*' && (own.length === 1 || own[own.length - 2].text === '.');
  // `a.*`: what stands before the star begins the names of its columns.
  const end = star ? last.start : last.end;
  return { expression: statement.slice(own[0].start, end), star, start: own[0].start, end, named };
}

/** Whether what stands after this token is a name, even if it reads like a clause. */
function isNamed(before: Token | undefined): boolean {
  if (before?.kind === 'word') return before.text === 'AS';
  return before?.kind === 'mark' && ['.', ':', '|', '$'].includes(before.text);
}
