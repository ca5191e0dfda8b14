import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { Confinement } from '../../engine/confinement';
import type { PropertyType } from '../../schemas/graph-schema';
import { StagingConfig } from '../staging.config';
import type { CsvOptions, FileFormat, StageResult } from './messages';
import { StagingEngine } from './staging-engine';

const { gzipSync } = zlib;

interface Reading {
  format?: FileFormat;
  types?: Record<string, PropertyType>;
  csv?: CsvOptions;
}

/** Files of every kind, whole and broken, through the real staging process. */
describe('stageFile', () => {
  const config = Object.assign(new StagingConfig(), { maxInflatedMb: 2, memoryMb: 128, maxRows: 200_000 });
  let engine: StagingEngine;
  let directory: string;
  let made = 0;
  beforeAll(async () => {
    engine = new StagingEngine(config, await Confinement.probe('auto'));
  });
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'stage-file-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const path = (name: string) => join(directory, name);

  async function stage(content: string | Buffer, { format = 'csv', types = {}, csv }: Reading = {}) {
    const [input, output] = [path(`in-${++made}`), path(`part-${made}.parquet`)];
    writeFileSync(input, content);
    const job = { task: 'stage', format, input, output, types, csv } as const;
    const result: StageResult = await engine.run(job, { directory, signal: new AbortController().signal });
    return { ...result, part: result.written ? output : input };
  }
  async function rowsOf(file: string): Promise<unknown[]> {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    return (await connection.runAndReadAll(`from read_parquet('${file}')`)).getRowObjectsJson();
  }
  const read = async (content: string | Buffer, reading?: Reading) => rowsOf((await stage(content, reading)).part);
  async function written(select: string, options: string): Promise<Buffer> {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(`copy (${select}) to '${path('made')}' (${options})`);
    return readFileSync(path('made'));
  }
  const refusal = (content: string | Buffer, reading?: Reading) =>
    stage(content, reading).then(
      () => 'accepted',
      (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
    );

  const ROWS = [
    { id: '1', name: 'Ada' },
    { id: '2', name: null },
  ];
  const PLAIN = 'id,name\n1,Ada\n2,\n';
  const NDJSON = '{"id": 1, "name": "Ada"}\n{"id": 2}\n';

  describe('compression', () => {
    it('is seen by the content', async () => {
      const result = await stage(gzipSync(PLAIN), { types: { id: 'INT64' } });
      expect(result.content).toMatchObject({ format: 'csv', compression: 'gzip' });
      expect(await rowsOf(result.part)).toEqual(ROWS);
      expect(await read(gzipSync(NDJSON), { format: 'json' })).toEqual(ROWS);
      const parquet = await written('select 1 as id', 'format parquet');
      expect(await read(gzipSync(parquet), { format: 'parquet' })).toEqual([{ id: 1 }]);
      const select = `select unnest([1, 2]) as id, unnest(['Ada', null]) as name`;
      const zstdCsv = await stage(await written(select, 'format csv, compression zstd'));
      expect(zstdCsv.content).toMatchObject({ format: 'csv', compression: 'zstd', csv: { delimiter: ',' } });
      expect(await rowsOf(zstdCsv.part)).toEqual(ROWS);
      expect(await read(await written(select, 'format json, compression zstd'), { format: 'json' })).toEqual(ROWS);
    });

    it('does not let a small file become a huge one', async () => {
      const bomb = gzipSync('id,name\n' + '1,aaaaaaaaaaaaaaaaaaaaaaaaaaaa\n'.repeat(100_000));
      expect(bomb.length).toBeLessThan(20_000);
      expect(await refusal(bomb)).toMatch(/^file_too_large: The file inflates to more than 2 MB/);
      const select = `select range as id, repeat(md5(range::varchar), 20) as name from range(20000)`;
      const zstd = await written(select, 'format csv, compression zstd');
      expect(await refusal(zstd)).toMatch(/^(file_too_large: The file inflates|staging_out_of_memory)/);
      const rows = 'id\n' + '1\n'.repeat(200_001);
      const tooMany =
        /^file_too_large: The file has 200001 rows; one file may have at most 200000 \(STAGING_MAX_ROWS\)/;
      expect(await refusal(rows)).toMatch(tooMany);
      expect(await refusal('{"id":1}\n'.repeat(200_001), { format: 'json' })).toMatch(tooMany);
      expect(await stage(rows.slice(0, -2))).toMatchObject({ rows: 200_000 });
      const parquet = await written('select 1 as id from range(2000000)', 'format parquet');
      expect(await refusal(parquet, { format: 'parquet' })).toMatch(/2000000 rows; one file may have at most 200000/);
    });

    it('is undone once, around Parquet by gzip or zstd, and inside of it by whatever codec', async () => {
      const select = `select range as id, 'x' || range as name from range(1000)`;
      for (const codec of ['zstd', 'snappy', 'gzip', 'uncompressed']) {
        const parquet = await written(select, `format parquet, compression ${codec}`);
        expect(await stage(parquet, { format: 'parquet' })).toMatchObject({ rows: 1000, written: false });
        expect(await stage(gzipSync(parquet), { format: 'parquet' })).toMatchObject({
          rows: 1000,
          written: true,
          content: { format: 'parquet', compression: 'gzip' },
        });
      }
      // One frame with one raw block, as anybody may write it.
      const parquet = await written('select 1 as id', 'format parquet');
      const zstd = rawZstd(parquet);
      if ('createZstdDecompress' in zlib) {
        expect(await read(zstd, { format: 'parquet' })).toEqual([{ id: 1 }]);
        expect(await refusal(zstd.subarray(0, -9), { format: 'parquet' })).toMatch(/^file_malformed: The zstd file is/);
      } else {
        expect(await refusal(zstd, { format: 'parquet' })).toMatch(/Upload it as it is/);
      }
      expect(await refusal(gzipSync(gzipSync(PLAIN)))).toMatch(/itself compressed with gzip. Compress the file once/);
      expect(await refusal(gzipSync(rawZstd(Buffer.from(PLAIN))))).toMatch(/itself compressed with zstd/);
      expect(await refusal(rawZstd(gzipSync(PLAIN)))).toMatch(/The zstd file is damaged, or what it holds is not text/);
    });

    it('that is damaged is told', async () => {
      const whole = gzipSync(PLAIN.repeat(1000));
      expect(await refusal(whole.subarray(0, -20))).toMatch(/^file_malformed: The gzip file is cut off/);
      expect(await refusal(Buffer.concat([whole.subarray(0, 20), Buffer.alloc(50, 7), whole.subarray(70)]))).toMatch(
        /^file_malformed: The gzip file is (damaged|cut off)/,
      );
      expect(await refusal(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4]))).toMatch(
        /^file_malformed: The zstd file/,
      );
    });
  });

  describe('CSV', () => {
    it.each<[string, string | Buffer, CsvOptions | undefined]>([
      ['quotes that are apostrophes', "id;name\n1;'Ada'\n2;\n", undefined],
      ['UTF-16 with its mark', Buffer.from('\ufeff' + PLAIN, 'utf16le'), undefined],
      ['a delimiter of its own', 'id~name\n1~Ada\n2~\n', { delimiter: '~' }],
      ['no header', '1,Ada\n2,\n', { header: false, columnNames: ['id', 'name'] }],
      ['words for no value', 'id,name\n1,Ada\n2,NULL\n', { nullValues: ['NULL'] }],
      ['empty lines around it', '\n\nid,name\n1,Ada\n2,\n\n', undefined],
    ])('with %s', async (_what, content, csv) => {
      expect(await read(content, { csv })).toEqual(ROWS);
    });

    it('with an encoding, escapes and dates as its sender says', async () => {
      const latin = Buffer.from('id,name,born\n1,"J\xfcrgen \\"J\\"",31/12/1999\n', 'latin1');
      const csv = { encoding: 'windows-1252', escape: '\\', dateFormats: ['%d/%m/%Y'] };
      expect(await read(latin, { csv, types: { born: 'DATE' } })).toEqual([
        { id: '1', name: 'Jürgen "J"', born: '1999-12-31' },
      ]);
      expect(await refusal(Buffer.from('id\n\xff\n', 'latin1'), { csv: { encoding: 'utf-16le' } })).toMatch(
        /not text in utf-16le/,
      );
    });

    it('with names in any script, and none that stand twice', async () => {
      expect(await read('имя,名前\n1,2\n')).toEqual([{ имя: '1', 名前: '2' }]);
      expect(await refusal('id,Id\n1,2\n')).toMatch(/"Id" stands twice/);
    });

    it('names the line that is too long', async () => {
      expect(await refusal(`id,name\n1,a\n2,${'x'.repeat(2_100_000)}\n`)).toMatch(/line 3.*longer than 2 MB/);
    });

    it('keeps NUL bytes in the middle of text', async () => {
      const csv = 'id,name\n' + '1,x\n'.repeat(100_000) + '2,a\0b\n';
      expect((await read(csv)).at(-1)).toEqual({ id: '2', name: 'a\0b' });
    });
  });

  describe('JSON', () => {
    it('as a list, as lines, and with keys that not all records have', async () => {
      expect(await read(NDJSON, { format: 'json' })).toEqual(ROWS);
      const list = await stage('\ufeff [{"id": 1, "name": "Ada"},\n {"id": 2, "name": null}]', { format: 'json' });
      expect(list.content).toMatchObject({ format: 'json' });
      expect(await rowsOf(list.part)).toEqual(ROWS);
      const types = { n: 'INT64', day: 'STRING' } as const;
      const mixed = '{"n": 9007199254740993, "day": "2001-02-03"}\n{"deep": {"a": [1]}, "n": -1}\n';
      expect(await read(mixed, { format: 'json', types })).toEqual([
        { n: '9007199254740993', day: '2001-02-03', deep: null },
        { n: '-1', day: null, deep: '{"a":[1]}' },
      ]);
    });

    it.each([
      ['a record that does not end', '{"id": 1}\n{"id": 2\n{"id": 3}\n', /line 2: the record does not end|line 2: /],
      ['a comma too many', '[{"id": 1},\n{"id": 2,}}]', /line 2: /],
      ['a number among records', '[{"id": 1}, 7]', /record 2 is none/],
      ['keys that differ in case only', '{"id": 1, "ID": 2}', /record 1 has one twice/],
      ['nothing', '', /is empty/],
      ['CSV', PLAIN, /looks like text \(perhaps CSV\), not JSON/],
      ['a list cut off behind a record', '[{"id": 1}, {"id": 2},\n', /its list does not end/],
      ['no values at all', '[]', /no records/],
    ])('refuses %s', async (_what, content, words) => {
      expect(await refusal(content, { format: 'json' })).toMatch(/^file_malformed/);
      expect(await refusal(content, { format: 'json' })).toMatch(words);
    });
  });

  it('keeps every value of any CSV and JSON exactly', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !/^$|\r/.test(value));
    const int = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const row = fc.record({ t: text, n: int.map(String), d: fc.double({ noNaN: true, noDefaultInfinity: true }) });
    const types = { t: 'STRING', n: 'INT64', d: 'DOUBLE' } as const;
    const property = fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 50 }), async (rows) => {
      const expected = rows.map(({ t, n, d }) => ({ t, n, d: d === 0 ? 0 : d }));
      const quote = (value: string) => `"${value.replaceAll('"', '""')}"`;
      const csv = `t,n,d\n${rows.map(({ t, n, d }) => `${quote(t)},${n},${d}`).join('\n')}\n`;
      const json = rows.map(({ t, n, d }) => `{"t": ${JSON.stringify(t)}, "n": ${n}, "d": ${d}}`).join('\n');
      const positive = (found: unknown[]) => (found as { d: number }[]).map((one) => ({ ...one, d: one.d || 0 }));
      expect(positive(await read(csv, { types, csv: { delimiter: ',', quote: '"', escape: '"' } }))).toEqual(expected);
      expect(positive(await read(json, { format: 'json', types }))).toEqual(expected);
    });
    await fc.assert(property, { numRuns: 12 });
  }, 60_000);
});

/** The simplest zstd there is: a frame of one block that is not compressed (at most 128 KB). */
function rawZstd(content: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size, block, content]);
}
