import { ListFunctionRefused } from '../engine.errors';
import { endOf, isNamed, nameOf, nestingOf, type Token } from './statement-tokens';

const UNWIND_IT = 'Take UNWIND, and collect() what is left';
// Of lists with NULLs in them list_contains is wrong, too; list_distinct leaves those out.
const CONTAINS_TRUE = 'list_contains(list_distinct(list_transform(list, x -> x > 1)), true)';
/** What LadybugDB 0.19.1 gets wrong, whatever it is given, and what can be written instead. */
const WRONG: Record<string, string> = {
  LIST_FILTER: UNWIND_IT,
  LIST_REDUCE: 'Take list_sum, list_product or list_to_string, or UNWIND',
  LIST_ANY_VALUE: 'Take UNWIND, and min()',
  ...named(['LIST_APPEND', 'ARRAY_APPEND', 'ARRAY_PUSH_BACK'], 'Write list_concat(list, [item])'),
  ...named(['LIST_PREPEND', 'ARRAY_PREPEND', 'ARRAY_PUSH_FRONT'], 'Write list_concat([item], list)'),
};
const WRONG_OF_LISTS: Record<string, string> = {
  ANY: `Write ${CONTAINS_TRUE}`,
  NONE: `Write NOT ${CONTAINS_TRUE}`,
  ALL: `Write NOT ${CONTAINS_TRUE.replace('true', 'false')}`,
  SINGLE: UNWIND_IT,
};
const IN_LAMBDA =
  'Its lambda may have operators and simple functions of single values in it, but not CASE, IS NULL, properties of its variable or new lists; ' +
  "for those take UNWIND, or properties(list, 'name') of nodes and relationships";
/** Functions that it gets right inside of a lambda. */
const RIGHT_IN_LAMBDA = new Set(
  (
    'ABS SIGN CEIL CEILING FLOOR ROUND SQRT POW LN LOG LOG2 LOG10 NEGATE FACTORIAL BITSHIFT_LEFT BITSHIFT_RIGHT ' +
    'CAST TO_STRING STRING TO_INT64 TO_DOUBLE DATE TIMESTAMP UPPER TOUPPER UCASE LOWER TOLOWER LCASE INITCAP TRIM LTRIM ' +
    'RTRIM LEFT RIGHT REVERSE SIZE CONCAT REPEAT CONTAINS STARTS_WITH PREFIX ENDS_WITH SUFFIX REGEXP_MATCHES ' +
    'REGEXP_FULL_MATCH STRING_SPLIT LEVENSHTEIN MD5 SHA256 DATE_PART DATE_TRUNC LAST_DAY DAYNAME MONTHNAME INTERVAL ' +
    'LIST_SUM LIST_CONTAINS LIST_CONCAT LIST_SORT LIST_REVERSE RANGE'
  ).split(' '),
);
/** Words that are followed by a bracket and are no functions. */
const OPERATORS = new Set(['AND', 'OR', 'XOR', 'NOT', 'IN', 'CONTAINS', 'WITH']);

/**
 * Refuses what LadybugDB 0.19.1 gets wrong without a word, or dies of, where it has many rows (a batch with more than
 * 2,048 list items, and now and then fewer). `list_filter` and `list_any_value` leave the value of an earlier batch where
 * there is none, appending leaves an earlier batch's NULLs, quantifiers write beyond their memory, and lambdas take
 * values of other rows unless they are of operators and certain functions. Throws {@link ListFunctionRefused}.
 */
export function guardFunctions(tokens: Token[]): void {
  tokens.forEach((token, index) => {
    if (!isNamed(token) || tokens[index + 1]?.text !== '(') return;
    const name = nameOf(token);
    const instead = WRONG[name] ?? (tokens[index + 3]?.text === 'IN' ? WRONG_OF_LISTS[name] : undefined);
    if (instead !== undefined) throw new ListFunctionRefused(name, instead);
    if (name !== 'LIST_TRANSFORM') return;
    const call = tokens.slice(index + 2, endOf(tokens, index + 1));
    if (!isRight(call)) throw new ListFunctionRefused(name, IN_LAMBDA);
  });
}

function isRight(call: Token[]): boolean {
  let depth = 0;
  const arrow = call.findIndex((token, at) => (depth += nestingOf(token)) === 0 && isArrow(call, at));
  if (arrow < 1) return true;
  const variables = new Set(call.slice(variablesAt(call, arrow), arrow).filter(isNamed).map(nameOf));
  return isRightBody(call.slice(arrow + 2), variables);
}

/** Where the variables before an arrow begin: one, or some in brackets. */
function variablesAt(call: Token[], arrow: number): number {
  let at = arrow - 1;
  if (call[at].text === ')') while (at > 0 && call[at].text !== '(') at -= 1;
  return at;
}

function isRightBody(body: Token[], variables: ReadonlySet<string>): boolean {
  /** Of each bracket that is open: whether it makes a list. */
  const open: boolean[] = [];
  return body.every((token, at) => {
    const [before, after] = [body[at - 1], body[at + 1]];
    if (token.kind === 'mark') {
      if (nestingOf(token) > 0) open.push(token.text === '[' && !endsValue(before));
      else if (nestingOf(token) < 0) open.pop();
      const makesList = token.text === '[' && after?.text === ']';
      return token.text !== '{' && token.text !== ':' && !makesList && !isArrow(body, at);
    }
    if (!isNamed(token) || before?.text === '.' || before?.text === '$') return true;
    const name = nameOf(token);
    if (after?.text === '(' && !OPERATORS.has(name)) return RIGHT_IN_LAMBDA.has(name);
    if (variables.has(name)) return after?.text !== '.' && !open.includes(true);
    return name !== 'CASE' && name !== 'IS';
  });
}

function isArrow(tokens: Token[], at: number): boolean {
  return tokens[at].text === '-' && tokens[at + 1]?.text === '>';
}

function endsValue(token: Token | undefined): boolean {
  return token !== undefined && (token.kind !== 'mark' || nestingOf(token) < 0) && !OPERATORS.has(token.text);
}

function named(names: string[], instead: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, instead]));
}
