import { StatementRefused } from '../engine.errors';
import { guardAggregates } from './statement-aggregates';
import { guardDepth } from './statement-depth';
import { guardFunctions } from './statement-functions';
import { type Edit, edited } from './statement-text';
import { isNamed, tokenize, type Token } from './statement-tokens';

/**
 * Clauses that reach files, other databases, extensions or settings; and HINT, which makes the engine join what does not
 * belong together. They always have something after them.
 */
const REACHING = new Set(
  'LOAD COPY EXPORT IMPORT ATTACH DETACH INSTALL UNINSTALL UPDATE USE FORCE ANALYZE EXTENSION HINT'.split(' '),
);
/** Whole statements of one word; only the beginning of a statement can be one. */
const STANDALONE = new Set('BEGIN COMMIT ROLLBACK CHECKPOINT'.split(' '));
/** What may follow a name but never one of the clauses above. */
const AFTER_NAME = new Set(
  '. , ) ] } = < > + - * / % ^ : | ORDER LIMIT SKIP RETURN MATCH OPTIONAL WHERE UNWIND UNION ASC DESC AND OR XOR NOT IN IS STARTS ENDS CONTAINS AS WHEN THEN ELSE END'.split(
    ' ',
  ),
);
/** Table functions that tell of the graph itself and nothing else. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(
  'SHOW_TABLES TABLE_INFO SHOW_CONNECTION SHOW_INDEXES SHOW_FUNCTIONS SHOW_MACROS SHOW_SEQUENCES DB_VERSION CATALOG_VERSION STATS_INFO'.split(
    ' ',
  ),
);

/** Programs send the same few statements again and again: what has passed, passes. */
const passed = new Set<string>();
const REMEMBERED = 1_000;
const REMEMBERED_LENGTH = 5_000;

/**
 * First wall: looks at the words of a user's statement and refuses clauses that reach beyond the graph, before any
 * engine sees it. Names pass that merely read like such a clause. Throws {@link StatementRefused}, `StatementTooDeep`,
 * `ListFunctionRefused`, `AggregatesRefused`.
 * The host asks the engine about the plan afterwards (`plan-guard.ts`), and its process is confined.
 */
export function guardStatement(statement: string): void {
  if (passed.has(statement)) return;
  const tokens = tokenize(statement);
  guardWords(tokens);
  tokens.forEach((token, index) => {
    if (token.kind !== 'word') return;
    if (token.text === 'CALL') guardCall(tokens, index);
    else if (STANDALONE.has(token.text)) {
      if (beginsStatement(tokens, index)) throw new StatementRefused(token.text);
    } else if (REACHING.has(token.text) && !isName(tokens, index)) {
      // DETACH DELETE changes data; that is another refusal, made by the engine's own judgement of the statement.
      if (token.text === 'DETACH' && tokens[index + 1]?.text === 'DELETE') return;
      throw new StatementRefused(token.text);
    }
  });
  if (statement.length > REMEMBERED_LENGTH) return;
  if (passed.size >= REMEMBERED) passed.clear();
  passed.add(statement);
}

/** What the engine would die of, or get wrong, in statements and conditions alike. */
function guardWords(tokens: Token[]): void {
  guardDepth(tokens);
  guardFunctions(tokens);
  guardAggregates(tokens);
}

const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/**
 * Refuses a text that is not one whole condition: whatever stands around it, it could end there and begin something else.
 * Throws {@link StatementRefused}.
 */
export function guardCondition(condition: string): void {
  const open: string[] = [];
  const tokens = tokenize(condition);
  guardWords(tokens);
  for (const { kind, text } of tokens) {
    if (kind !== 'mark') continue;
    if (text in CLOSING) open.push(CLOSING[text]);
    else if (Object.values(CLOSING).includes(text)) {
      if (open.pop() !== text) throw new StatementRefused(`"${text}" without its beginning`);
    } else if (`;$'"\``.includes(text)) throw new StatementRefused(`"${text}" in a condition`);
  }
  if (open.length > 0) throw new StatementRefused(`A condition without its "${open[0]}"`);
  if (condition.trim() === '') throw new StatementRefused('An empty condition');
}

/** PROFILE would run the statement, and EXPLAIN PROFILE does not parse, so either word is replaced. */
export function explainOf(statement: string): string {
  const first = tokenize(statement)[0];
  if (first?.kind === 'word' && (first.text === 'EXPLAIN' || first.text === 'PROFILE')) {
    return `EXPLAIN ${statement.slice(first.end)}`;
  }
  return `EXPLAIN ${statement}`;
}

function guardCall(tokens: Token[], index: number): void {
  if (isName(tokens, index)) return;
  const name = tokens[index + 1];
  const isCall = tokens[index + 2]?.text === '(';
  if (name && isNamed(name) && isCall) {
    if (TABLE_FUNCTIONS.has(name.text.toUpperCase())) return;
    throw new StatementRefused(`CALL ${name.text.toLowerCase()}`);
  }
  throw new StatementRefused('CALL of anything but a listed function');
}

function beginsStatement(tokens: Token[], index: number): boolean {
  const before = tokens[index - 1];
  return !before || before.text === ';' || (index === 1 && ['EXPLAIN', 'PROFILE'].includes(before.text));
}

function isName(tokens: Token[], index: number): boolean {
  if (beginsStatement(tokens, index)) return false;
  const before = tokens[index - 1];
  if (before.kind === 'mark' && ['.', ':', '|', '$'].includes(before.text)) return true;
  const after = tokens[index + 1];
  return after === undefined || (after.kind !== 'string' && after.kind !== 'quoted' && AFTER_NAME.has(after.text));
}

/** The statement with every `count(*)` written `count(1)`, which means the same and is planned differently. */
export function withoutStarCount(statement: string): string {
  const tokens = tokenize(statement);
  const edits = tokens.flatMap((token, index): Edit[] => {
    const follows = tokens.slice(index + 1, index + 4).map((next) => next.text);
    if (token.kind !== 'word' || token.text !== 'COUNT' || follows.join('') !== '(*)') return [];
    const { start, end } = tokens[index + 2];
    return [{ from: start, to: end, text: '1' }];
  });
  return edited(statement, edits);
}
