import type { QueryColumn } from '../graph-engine';
import { exactExpression } from './exact-expressions';
import { distinctIn } from './statement-aggregates';
import { projectionsOf, type ProjectionItem } from './projection';
import { edited, quoteName } from './statement-text';
import { parseType, type TableTypes } from '../value-types';

/** Which column of an extended result holds what of a column of the original one. Names are the binding's. */
export interface ColumnSource {
  /** The value as the original statement gives it. */
  plain: string;
  /** The text of the same without loss, where the value could have any. */
  exact?: string;
}

export interface ExactStatement {
  statement: string;
  /** How many further columns there are before those of the original. */
  before: number;
  sources: ColumnSource[];
}

/**
 * The statement with further columns: the exact value of each column that the binding would round or cut,
 * and, of columns that share a name, each one's own value. What it matches, groups, orders and limits stays the same,
 * since each further column depends on one that is there. They stand at the end or, where an aggregate has DISTINCT, before
 * all others: what stands behind such a one the engine gets wrong (`statement-aggregates.ts`). Undefined where the
 * statement cannot be read that way.
 */
export function exactStatement(
  statement: string,
  columns: QueryColumn[],
  tables: TableTypes,
): ExactStatement | undefined {
  const projections = projectionsOf(statement);
  if (projections === undefined) return undefined;
  const branches = projections.map(({ items }) => expressionsOf(items, columns));
  const sources: ColumnSource[] = [];
  const additions = projections.map(() => ({ before: [] as string[], behind: [] as string[] }));
  const counts = branches.some((expressions) => expressions?.some((one) => distinctIn(one).includes(true)));
  let added = 0;
  const add = (column: number, write: (expression: string) => string | undefined): string | undefined => {
    const texts = branches.map((expressions) => expressions && write(expressions[column]));
    if (texts.includes(undefined)) return undefined;
    const aggregates = texts.flatMap((text) => distinctIn(text as string));
    const before = counts && !aggregates.includes(true);
    if (counts && !before && aggregates.includes(false)) return undefined;
    const name = `gs_column_${(added += 1)}`;
    texts.forEach((text, branch) => additions[branch][before ? 'before' : 'behind'].push(`${text} AS ${name}`));
    return name;
  };
  const names = columns.map(({ name }) => name);
  columns.forEach(({ name, type }, column) => {
    const shared = names.indexOf(name) !== names.lastIndexOf(name);
    const plain = shared ? add(column, (expression) => expression) : name;
    const exact = add(column, (expression) => exactExpression(expression, parseType(type), tables));
    sources.push({ plain: plain ?? name, exact });
  });
  if (added === 0) return undefined;
  const edits = projections.flatMap(({ items, end }, branch) => {
    const { before, behind } = additions[branch];
    const { start } = items[0];
    return [
      { from: start, to: start, text: before.map((item) => `${item}, `).join('') },
      { from: end, to: end, text: behind.map((item) => `, ${item}`).join('') },
    ];
  });
  return { statement: edited(statement, edits), before: additions[0].before.length, sources };
}

/** An expression for each column; a star stands for as many columns as no other item accounts for. */
function expressionsOf(items: ProjectionItem[], columns: QueryColumn[]): string[] | undefined {
  const stars = items.filter(({ star }) => star).length;
  const ofStar = columns.length - (items.length - stars);
  if (stars > 1 || ofStar < 0 || (stars === 0 && ofStar > 0)) return undefined;
  const expressions: string[] = [];
  for (const { expression, star } of items) {
    if (!star) expressions.push(/^[\w$.`]+$/.test(expression) ? expression : `(${expression})`);
    else {
      for (const { name } of columns.slice(expressions.length, expressions.length + ofStar)) {
        expressions.push(
          expression === '' ? quoteName(name) : expression + quoteName(name.slice(name.indexOf('.') + 1)),
        );
      }
    }
  }
  return expressions;
}

/** Names that are told apart: of those that are equal the second gets `_2` at its end, and so on. */
export function distinctNames(names: string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    let number = 2;
    while (taken.has(`${name}_${number}`)) number += 1;
    const own = `${name}_${number}`;
    taken.add(own);
    return own;
  });
}
