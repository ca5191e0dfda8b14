import { type Edit, edited, quoteName } from './statement-text';
import { projectionsOf } from './projection';
import { isNamed, tokenize } from './statement-tokens';

/** Whether a statement joins results and leaves out rows that are equal. */
export function isDistinctUnion(statement: string): boolean {
  const tokens = tokenize(statement);
  const union = tokens.some(
    ({ kind, text }, at) => kind === 'word' && text === 'UNION' && tokens[at + 1]?.text !== 'ALL',
  );
  return union && (projectionsOf(statement)?.length ?? 0) > 1;
}

export interface UnionColumns {
  /** Columns of the first branch that are a name alone, by their places; it may be that of a node. */
  names: number[];
  /**
   * The same statement with properties, and these of its names, written so that LadybugDB 0.19.1 compares whole rows: where the
   * first columns are the key of a node and something else of it, UNION takes rows of one key for equal, whatever else they hold.
   */
  comparingWholeRows(names: number[]): string;
}

/** Undefined where a star stands for columns. */
export function unionColumns(statement: string): UnionColumns | undefined {
  const [first] = projectionsOf(statement) ?? [];
  if (first === undefined || first.items.some(({ star }) => star)) return undefined;
  const { items } = first;
  const kinds = items.map(({ expression }) => kindOf(expression));
  return {
    names: items.flatMap((_, at) => (kinds[at] === 'name' ? [at] : [])),
    comparingWholeRows: (names) => {
      const edits = items.flatMap(({ expression, start, end, named }, at): Edit[] => {
        if (kinds[at] !== 'property' && !names.includes(at)) return [];
        const name = named ? '' : ` AS ${quoteName(columnOf(expression))}`;
        return [{ from: start, to: end, text: `coalesce(${expression}, ${expression})${name}` }];
      });
      return edited(statement, edits);
    },
  };
}

function kindOf(expression: string): 'name' | 'property' | undefined {
  const [first, dot, last, ...more] = tokenize(expression);
  if (first === undefined || !isNamed(first)) return undefined;
  if (dot === undefined) return 'name';
  return dot.text === '.' && last !== undefined && isNamed(last) && more.length === 0 ? 'property' : undefined;
}

/** What the engine calls a column that has no name of its own. */
function columnOf(expression: string): string {
  const parts = tokenize(expression).map(({ kind, text, start, end }) =>
    kind === 'quoted' ? text : expression.slice(start, end),
  );
  return parts.join('');
}
