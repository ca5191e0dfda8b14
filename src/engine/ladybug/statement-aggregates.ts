import { AggregatesRefused } from '../engine.errors';
import { endOf, isClause, isNamed, nestingOf, type Token, tokenize } from './statement-tokens';

const AGGREGATES = new Set('COUNT SUM AVG MIN MAX COLLECT HISTOGRAM PERCENTILECONT PERCENTILEDISC'.split(' '));
const SUBQUERIES = new Set(['COUNT', 'EXISTS']);
/** What ends the list of items behind RETURN or WITH, where no bracket does. */
const ENDS = new Set('ORDER SKIP LIMIT WHERE RETURN WITH MATCH OPTIONAL UNWIND UNION CALL'.split(' '));

/**
 * Refuses aggregates of groups that stand behind one with DISTINCT: LadybugDB 0.19.1 gives 0 or NULL for them, as in
 * `RETURN a.city, count(DISTINCT a.name), sum(a.age)`. Throws {@link AggregatesRefused}.
 */
export function guardAggregates(tokens: Token[]): void {
  tokens.forEach((_, at) => {
    if (!isClause(tokens, at, 'RETURN') && !isClause(tokens, at, 'WITH')) return;
    const items = itemsAt(tokens, at + 1).map(aggregatesOf);
    const aggregates = items.flatMap(({ distinct }) => distinct);
    const grouped = items.some(({ distinct, names }) => distinct.length === 0 || names);
    if (grouped && aggregates.lastIndexOf(false) > aggregates.indexOf(true) && aggregates.includes(true))
      throw new AggregatesRefused();
  });
}

function itemsAt(tokens: Token[], start: number): Token[][] {
  const items: Token[][] = [[]];
  for (let at = start; at < tokens.length; at += 1) {
    const { kind, text } = tokens[at];
    if (kind === 'mark' && (text === ';' || nestingOf(tokens[at]) < 0)) break;
    if (kind === 'word' && ENDS.has(text) && isClause(tokens, at, text)) break;
    if (nestingOf(tokens[at]) > 0) {
      const end = endOf(tokens, at);
      items.at(-1)!.push(...tokens.slice(at, end + 1));
      at = end;
    } else if (kind === 'mark' && text === ',') items.push([]);
    else items.at(-1)!.push(tokens[at]);
  }
  return items;
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
      if (called && AGGREGATES.has(item[at].text.toUpperCase())) {
        distinct.push(item[at + 2]?.text === 'DISTINCT');
        at = endOf(item, at + 1);
      } else if (item[at].text === 'AS') break;
      else names ||= !called;
    }
  }
  return { distinct, names };
}
