import { ListFunctionRefused } from '../engine.errors';
import { nestingOf, type Token } from './statement-tokens';

const WITH_LAMBDA = new Set(['LIST_TRANSFORM', 'LIST_FILTER', 'LIST_REDUCE']);
const QUANTIFIERS = new Set(['ANY', 'ALL', 'NONE', 'SINGLE']);
/** Functions that look inside of what they are given. */
const LOOKING_INSIDE = new Set(['STRUCT_EXTRACT', 'ID']);

/**
 * Refuses list functions whose lambda looks inside of its variable (`x -> x.name`) or puts it into a list or a struct:
 * LadybugDB 0.19.1 then takes the values of other rows, where a batch of rows has more than 2,048 of them and often with
 * fewer, and says nothing. Throws {@link ListFunctionRefused}.
 */
export function guardLambdas(tokens: Token[]): void {
  tokens.forEach(({ kind, text }, index) => {
    const named = kind === 'word' && (WITH_LAMBDA.has(text) || QUANTIFIERS.has(text));
    if (!named || tokens[index + 1]?.text !== '(') return;
    const call = tokens.slice(index + 2, endOf(tokens, index + 1));
    if (WITH_LAMBDA.has(text)) {
      const arrow = call.findIndex(
        (token, at) => token.text === '-' && call[at + 1]?.text === '>' && isLambda(call, at),
      );
      if (arrow >= 0) guardBody(call.slice(arrow + 2), variablesBefore(call, arrow));
    } else if (call[1]?.text === 'IN') guardBody(call.slice(2), [nameOf(call[0])]);
  });
}

/** The place of the bracket that ends what begins at `open`. */
function endOf(tokens: Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    depth += nestingOf(tokens[at]);
    if (depth === 0) return at;
  }
  return tokens.length;
}

/** `->` of a lambda, not of a pattern: what is before it is an argument of its own. */
function isLambda(call: Token[], arrow: number): boolean {
  let before = arrow - 1;
  if (call[before]?.text === ')') while (before > 0 && call[before].text !== '(') before -= 1;
  return call[before - 1]?.text === ',';
}

function variablesBefore(call: Token[], arrow: number): string[] {
  if (call[arrow - 1].text !== ')') return [nameOf(call[arrow - 1])];
  const names: string[] = [];
  for (let at = arrow - 2; call[at].text !== '('; at -= 1) {
    if (call[at].kind !== 'mark') names.push(nameOf(call[at]));
  }
  return names;
}

function guardBody(body: Token[], variables: string[]): void {
  /** Of each bracket that is open: whether it makes a list or a struct. */
  const open: boolean[] = [];
  body.forEach((token, at) => {
    if (token.kind === 'mark') {
      const makes = token.text === '{' || (token.text === '[' && !endsValue(body[at - 1]));
      const nesting = nestingOf(token);
      if (nesting > 0) open.push(makes);
      else if (nesting < 0) open.pop();
      return;
    }
    if (!variables.includes(nameOf(token)) || body[at - 1]?.text === '.') return;
    const given = body[at - 1]?.text === '(' && LOOKING_INSIDE.has(body[at - 2]?.text);
    if (given || body[at + 1]?.text === '.' || open.includes(true)) throw new ListFunctionRefused();
  });
}

function endsValue(token: Token | undefined): boolean {
  return token !== undefined && (token.kind !== 'mark' || nestingOf(token) < 0) && token.text !== 'IN';
}

/** The engine does not tell names apart by their case. */
function nameOf({ text }: Token): string {
  return text.toUpperCase();
}
