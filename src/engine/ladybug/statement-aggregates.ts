import { AggregatesRefused } from '../engine.errors';
import { endOf, endOfClause, isClause, isNamed, itemsOf, nameOf, type Token, tokenize } from './statement-tokens';

const AGGREGATES = new Set('COUNT SUM AVG MIN MAX COLLECT HISTOGRAM PERCENTILECONT PERCENTILEDISC'.split(' '));
const SUBQUERIES = new Set(['COUNT', 'EXISTS']);
/** What ends the list of items behind RETURN or WITH. */
const ENDS = new Set('ORDER SKIP LIMIT WHERE RETURN WITH MATCH OPTIONAL UNWIND UNION CALL'.split(' '));

/**
 * Refuses aggregates of groups that stand behind one with DISTINCT: LadybugDB 0.19.1 gives 0 or NULL for them, as in
 * `RETURN a.city, count(DISTINCT a.name), sum(a.age)`. Throws {@link AggregatesRefused}.
 */
export function guardAggregates(tokens: Token[]): void {
  tokens.forEach((_, at) => {
    if (!isClause(tokens, at, 'RETURN') && !isClause(tokens, at, 'WITH')) return;
    const items = itemsOf(tokens.slice(at + 1, endOfClause(tokens, at + 1, ENDS))).map(aggregatesOf);
    const aggregates = items.flatMap(({ distinct }) => distinct);
    const grouped = items.some(({ distinct, names }) => distinct.length === 0 || names);
    if (grouped && aggregates.lastIndexOf(false) > aggregates.indexOf(true) && aggregates.includes(true))
      throw new AggregatesRefused();
  });
}

/** Of each aggregate of an expression, whether it has DISTINCT. */
export function distinctIn(expression: string): boolean[] {
  return aggregatesOf(tokenize(expression)).distinct;
}

/** Of each aggregate of an item, whether it has DISTINCT; and whether there are names beside them. */
function aggregatesOf(item: Token[]): { distinct: boolean[]; names: boolean } {
  const distinct: boolean[] = [];
  let names = false;
  for (let at = 0; at < item.length; at += 1) {
    if (item[at].text === '{' && SUBQUERIES.has(item[at - 1]?.text)) at = endOf(item, at);
    else if (isNamed(item[at])) {
      const called = item[at + 1]?.text === '(';
      if (called && AGGREGATES.has(nameOf(item[at]))) {
        distinct.push(item[at + 2]?.text === 'DISTINCT');
        at = endOf(item, at + 1);
      } else if (item[at].text === 'AS') break;
      else names ||= !called;
    }
  }
  return { distinct, names };
}
