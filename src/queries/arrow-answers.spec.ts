import { buffer } from 'node:stream/consumers';
import { tableFromIPC } from 'apache-arrow';
import { arrowOf } from './arrow-answers';
import type { Row } from './row-batches';

async function* batches(...given: Row[][]): AsyncGenerator<Row[]> {
  for (const rows of given) yield await Promise.resolve(rows);
}
const columnsOf = (types: Record<string, string>) => Object.entries(types).map(([name, type]) => ({ name, type }));

describe('an Arrow stream', () => {
  it('has the types of Arrow, exact values and absent ones, in all batches', async () => {
    const columns = columnsOf({
      i: 'INT64',
      u: 'UINT64',
      n: 'INT32',
      d: 'DOUBLE',
      b: 'BOOL',
      s: 'STRING',
      day: 'DATE',
      at: 'TIMESTAMP',
      price: 'DECIMAL(18, 2)',
      bytes: 'BLOB',
      list: 'INT64[]',
    });
    const first = {
      i: '9007199254740993',
      u: '18446744073709551615',
      n: -5,
      d: 'NaN',
      b: true,
      s: 'é "x"',
      day: '1969-12-31',
      at: '1969-12-31T23:59:59.999999Z',
      price: '0.10',
      bytes: 'qgE=',
      list: [1, '9007199254740993'],
    };
    const absent = Object.fromEntries(Object.keys(first).map((name) => [name, null]));
    const table = tableFromIPC(await buffer(arrowOf(columns, batches([first, absent], [{ ...first, i: 7 }]))));
    expect(table.numRows).toBe(3);
    const value = (name: string, row: number): unknown => table.getChild(name)!.get(row);
    expect([value('i', 0), value('i', 1), value('i', 2)]).toEqual([9007199254740993n, null, 7n]);
    expect(value('u', 0)).toBe(18446744073709551615n);
    expect([value('n', 0), value('d', 0), value('b', 0), value('s', 0)]).toEqual([-5, NaN, true, 'é "x"']);
    expect([value('price', 0), value('list', 0)]).toEqual(['0.10', '[1,"9007199254740993"]']);
    expect(Buffer.from(value('bytes', 0) as Uint8Array).toString('hex')).toBe('aa01');
    const stored = (name: string): unknown => (table.getChild(name)!.data[0].values as ArrayLike<unknown>)[0];
    expect([stored('at'), stored('day')]).toEqual([-1n, -1]);
    for (const { name } of columns) expect(value(name, 1)).toBeNull();
    expect(table.schema.fields.map(({ metadata }) => metadata.get('engine_type'))).toEqual(
      columns.map(({ type }) => type),
    );
  });

  it('tells its columns where there is no row', async () => {
    const table = tableFromIPC(await buffer(arrowOf(columnsOf({ x: 'INT64' }), batches())));
    expect([table.numRows, table.schema.fields[0].name]).toEqual([0, 'x']);
  });

  it('breaks off where the rows do', async () => {
    async function* failing(): AsyncGenerator<Row[]> {
      yield await Promise.resolve([{ x: 1 }]);
      throw new Error('lost');
    }
    await expect(buffer(arrowOf(columnsOf({ x: 'INT64' }), failing()))).rejects.toThrow('lost');
  });
});
