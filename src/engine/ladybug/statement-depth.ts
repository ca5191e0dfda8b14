import { StatementTooDeep } from '../engine.errors';
import type { Token } from './statement-tokens';

/** Brackets in brackets. LadybugDB 0.19.1 dies of 1,000 lists in each other. */
const MOST_BRACKETS = 100;
/** Of `.name` and `[index]` one after another; and of `^`, which binds to the right. It dies of some thousands. */
const MOST_IN_CHAIN = 100;
const MOST_POWERS = 500;

/** Refuses what is nested so deep that the engine's parser would end its process. Throws {@link StatementTooDeep}. */
export function guardDepth(tokens: Token[]): void {
  /** Of each bracket that is open: how long the chain is that its end may go on. */
  const open: number[] = [];
  let chain = 0;
  let chainEnd = -1;
  let powers = 0;
  tokens.forEach(({ kind, text }, index) => {
    if (kind !== 'mark') return;
    if (text === '.' || text === '[') chain = chainEnd === index - 1 ? chain + 1 : 1;
    if (text === '.') chainEnd = index + 1;
    if (text === '^') powers = tokens[index - 2]?.text === '^' ? powers + 1 : 1;
    if (text === '(' || text === '[' || text === '{') open.push(chain);
    if (text === ')' || text === ']' || text === '}') {
      chain = open.pop() ?? 0;
      chainEnd = index;
    }
    if (open.length > MOST_BRACKETS) throw new StatementTooDeep('too many brackets in each other', MOST_BRACKETS);
    if (chain > MOST_IN_CHAIN) throw new StatementTooDeep('too many of ".name" and "[...]" in a row', MOST_IN_CHAIN);
    if (powers > MOST_POWERS) throw new StatementTooDeep('too many "^" in a row', MOST_POWERS);
  });
}
