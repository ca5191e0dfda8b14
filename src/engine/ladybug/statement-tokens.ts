/** A piece of a statement; strings, comments and white space are not among them. */
export interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'mark';
  /** Words in upper case (ASCII only, as the engine's grammar folds case); quoted names as written, without backticks. */
  text: string;
  start: number;
  end: number;
}

const LETTER = /[\p{L}\p{N}_]/u;
const NUMBER = /(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?\.?(?!\.))/iy;

/**
 * Cuts a statement into tokens the way the engine's lexer does, on the cautious side: what is not certainly a comment
 * or a string (one that never ends, say) is scanned as statement text.
 */
export function tokenize(statement: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const add = (kind: Token['kind'], end: number, text = statement.slice(at, end)): void => {
    tokens.push({ kind, text, start: at, end });
    at = end;
  };
  while (at < statement.length) {
    const char = statement[at];
    if (statement.startsWith('/*', at)) {
      const close = statement.indexOf('*/', at + 2);
      if (close >= 0) {
        at = close + 2;
        continue;
      }
    } else if (statement.startsWith('//', at)) {
      // The engine ends this comment at a line feed only; ending it at a carriage return too scans more, never less.
      const rest = statement.slice(at).search(/[\r\n]/);
      at = rest < 0 ? statement.length : at + rest;
      continue;
    }
    if (char === "'" || char === '"' || char === '`') {
      const end = closing(statement, at, char);
      if (end > 0) {
        if (char === '`') add('quoted', end, statement.slice(at + 1, end - 1));
        else add('string', end);
        continue;
      }
    }
    const point = String.fromCodePoint(statement.codePointAt(at) as number);
    if (/[0-9]/.test(char)) {
      NUMBER.lastIndex = at;
      add('number', at + (NUMBER.exec(statement)?.[0].length ?? 1));
    } else if (LETTER.test(point)) {
      let end = at;
      while (end < statement.length) {
        const next = String.fromCodePoint(statement.codePointAt(end) as number);
        if (!LETTER.test(next)) break;
        end += next.length;
      }
      add('word', end, upperAscii(statement.slice(at, end)));
    } else if (char <= ' ' || /\s/.test(char)) {
      at += 1;
    } else {
      add('mark', at + point.length);
    }
  }
  return tokens;
}

/** How much deeper in brackets a statement is after this token: 1, -1 or 0. */
export function nestingOf({ kind, text }: Token): number {
  if (kind !== 'mark') return 0;
  if (text === '(' || text === '[' || text === '{') return 1;
  return text === ')' || text === ']' || text === '}' ? -1 : 0;
}

/** The place of the bracket that ends what begins at `open`; that of the end where it never does. */
export function endOf(tokens: Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    depth += nestingOf(tokens[at]);
    if (depth === 0) return at;
  }
  return tokens.length;
}

export function isNamed({ kind }: Token): boolean {
  return kind === 'word' || kind === 'quoted';
}

/** What a name is known by: the engine does not tell names apart by their case. */
export function nameOf({ text }: Token): string {
  return text.toUpperCase();
}

/** Whether the word is that clause, and no name and no part of STARTS WITH. */
export function isClause(tokens: Token[], at: number, word: string): boolean {
  const { kind, text } = tokens[at];
  const before = tokens[at - 1];
  if (kind !== 'word' || text !== word || ['.', ':', '|', '$', '(', ','].includes(before?.text)) return false;
  return !(word === 'WITH' && (before?.text === 'STARTS' || before?.text === 'ENDS'));
}

/** The place where what begins at `at` ends: by one of the clauses, the end of the statement or of the brackets around it. */
export function endOfClause(tokens: Token[], at: number, clauses: ReadonlySet<string>): number {
  let next = at;
  while (next < tokens.length) {
    const { kind, text } = tokens[next];
    const nesting = nestingOf(tokens[next]);
    if (nesting < 0 || (kind === 'mark' && text === ';')) break;
    if (clauses.has(text) && isClause(tokens, next, text)) break;
    next = nesting > 0 ? endOf(tokens, next) + 1 : next + 1;
  }
  return Math.min(next, tokens.length);
}

/** The items of a list, without its commas. */
export function itemsOf(tokens: Token[]): Token[][] {
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += nestingOf(token);
    if (token.kind === 'mark' && token.text === ',' && depth === 0) items.push([]);
    else items[items.length - 1].push(token);
  }
  return items;
}

/** The end of a quoted piece, or -1 where it never ends. Backslashes escape in strings, not in backticks. */
function closing(statement: string, start: number, quote: string): number {
  for (let i = start + 1; i < statement.length; i += 1) {
    if (statement[i] === '\\' && quote !== '`') i += 1;
    else if (statement[i] === quote) return i + 1;
  }
  return -1;
}

function upperAscii(word: string): string {
  return word.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}
