import type { PreparedTables } from '../staging/staging.service';
import { refuseBadTables } from './load-plan';

describe('refuseBadTables', () => {
  const prepared = (tables: [string, number, number][], unknown: string[] = []): PreparedTables =>
    ({
      tables: tables.map(([table, rowsLoaded, rowsRejected]) => ({ table, rowsLoaded, rowsRejected, reasons: {} })),
      samples: [],
      unknownColumns: unknown.map((column) => ({ table: 'A', fileId: 'f', fileName: 'a.csv', columns: [column] })),
    }) as unknown as PreparedTables;
  const links = { rejects: '/rejects' };
  const failure = (tables: PreparedTables, ignoreErrors: boolean): unknown => {
    try {
      refuseBadTables(tables, ignoreErrors, links);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('lets good rows pass, and bad ones and strange columns only where they are ignored', () => {
    expect(failure(prepared([['A', 3, 0]]), false)).toBeUndefined();
    expect(failure(prepared([['A', 3, 1]], ['x']), true)).toBeUndefined();
    expect(failure(prepared([['A', 3, 1]]), false)).toMatchObject({
      code: 'rows_rejected',
      details: { rows_rejected: 1, _links: links, tables: [{ table_name: 'A', rows_loaded: 3, rows_rejected: 1 }] },
    });
    expect(failure(prepared([['A', 3, 0]], ['x']), false)).toMatchObject({
      code: 'staging_columns_unknown',
      details: { problems: [{ table: 'A', file_name: 'a.csv', columns: ['x'] }] },
    });
  });

  it('says bad rows and strange columns at once', () => {
    expect(failure(prepared([['A', 3, 2]], ['x']), false)).toMatchObject({
      code: 'rows_rejected',
      message: expect.stringContaining('does not know: x in "a.csv" (table A)') as string,
      details: { rows_rejected: 2, unknown_columns: [{ file_id: 'f', columns: ['x'] }] },
    });
  });

  it('takes no table for a success of which not one row is good', () => {
    for (const ignoreErrors of [true, false]) {
      const wholly = prepared([
        ['A', 3, 0],
        ['B', 0, 2],
      ]);
      expect(failure(wholly, ignoreErrors)).toMatchObject({
        code: 'table_wholly_rejected',
        details: { table: 'B', _links: links },
      });
    }
  });
});
