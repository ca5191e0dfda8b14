import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DuckDBInstance } from '@duckdb/node-api';
import { Confinement } from '../../engine/confinement';
import type { GraphSchema, PropertyType } from '../../schemas/graph-schema';
import { columnTypes, preparePlan } from '../prepare-plan';
import { StagingConfig } from '../staging.config';
import type { CsvOptions, FileFormat, PartRef, PreparedTable, StageResult } from './messages';
import { StagingEngine } from './staging-engine';

const SCHEMA: GraphSchema = {
  name: 'people',
  version: '1',
  nodes: [
    {
      name: 'Person',
      primaryKey: 'id',
      properties: [
        { name: 'id', type: 'STRING', required: true },
        { name: 'age', type: 'INT32', required: false },
        { name: 'born', type: 'DATE', required: false },
        { name: 'name', type: 'STRING', required: true },
      ],
    },
  ],
  relationships: [
    {
      name: 'KNOWS',
      from: 'Person',
      to: 'Person',
      properties: [{ name: 'since', type: 'INT64', required: false }],
    },
  ],
};

describe('StagingEngine', () => {
  let engine: StagingEngine;
  let directory: string;
  let made: number;
  beforeAll(async () => {
    // One test makes the process fail for a reason that belongs into the log.
    Logger.overrideLogger(false);
    engine = new StagingEngine(new StagingConfig(), await Confinement.probe('auto'));
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'staging-'));
    made = 0;
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const path = (name: string) => join(directory, name);
  const signal = () => new AbortController().signal;

  async function stage(
    content: string | Buffer,
    types: Record<string, PropertyType> = {},
    format: FileFormat = 'csv',
    csv?: CsvOptions,
  ): Promise<StageResult & { part: string }> {
    const [input, output] = [path(`in-${++made}`), path(`part-${made}.parquet`)];
    writeFileSync(input, content);
    const result = await engine.run(
      { task: 'stage', format, input, output, types, csv },
      { directory, signal: signal() },
    );
    return { ...result, part: result.written ? output : input };
  }

  async function rowsOf(file: string, columns = '*'): Promise<unknown[]> {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(`select ${columns} from read_parquet('${file}')`);
    return reader.getRowObjectsJson();
  }

  /** Makes Parquet by a SELECT. */
  async function parquet(select: string): Promise<Buffer> {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const file = path(`made-${++made}.parquet`);
    await connection.run(`copy (${select}) to '${file}' (format parquet)`);
    return readFileSync(file);
  }

  async function prepare(
    files: Record<string, (string | Buffer)[]>,
    { schema = SCHEMA, knownKeys = {} }: { schema?: GraphSchema; knownKeys?: Record<string, string[]> } = {},
  ): Promise<Record<string, PreparedTable>> {
    const tables = preparePlan(schema).map((table) => ({ ...table, knownKeys: knownKeys[table.table] }));
    for (const [table, contents] of Object.entries(files)) {
      const parts: PartRef[] = [];
      for (const [index, content] of contents.entries()) {
        const format = Buffer.isBuffer(content) ? 'parquet' : 'csv';
        const { part } = await stage(content, columnTypes(schema, table), format);
        parts.push({ fileId: `${table}-${index}`, fileName: `${table}-${index}.${format}`, path: part });
      }
      tables.find((candidate) => candidate.table === table)!.parts = parts;
    }
    mkdirSync(path('out'));
    const result = await engine.run({ task: 'prepare', tables, output: path('out') }, { directory, signal: signal() });
    return Object.fromEntries(result.tables.map((table) => [table.table, table]));
  }

  describe('staging CSV', () => {
    it('types a column as the schema asks where every value fits, and keeps text where one does not', async () => {
      const csv = 'id,age,born,extra\n007,1,2001-02-03,x\n008,,2001-02-04,"y, ""z"""\n009,1.5,2001-02-05,\n';
      const result = await stage(csv, { id: 'STRING', age: 'INT32', born: 'DATE' });
      expect(result.rows).toBe(3);
      expect(result.columns).toEqual([
        { name: 'id', type: 'VARCHAR' },
        { name: 'age', type: 'VARCHAR' },
        { name: 'born', type: 'DATE' },
        { name: 'extra', type: 'VARCHAR' },
      ]);
      expect(await rowsOf(result.part)).toEqual([
        { id: '007', age: '1', born: '2001-02-03', extra: 'x' },
        { id: '008', age: null, born: '2001-02-04', extra: 'y, "z"' },
        { id: '009', age: '1.5', born: '2001-02-05', extra: null },
      ]);
    });

    it.each([
      ['semicolons', 'a;b\n1;2\n'],
      ['tabs and CRLF', 'a\tb\r\n1\t2\r\n'],
      ['a byte order mark', '\ufeffa,b\n1,2\n'],
      ['quoted names and no last line end', '"a","b"\n1,2'],
    ])('reads %s', async (_what, csv) => {
      const { part } = await stage(csv, { a: 'INT64' });
      expect(await rowsOf(part)).toEqual([{ a: '1', b: '2' }]);
    });

    it('accepts a header without rows', async () => {
      const result = await stage('id,age\n', { age: 'INT32' });
      expect(result).toMatchObject({ rows: 0, written: true });
    });

    it('says which lines are not well-formed', async () => {
      const csv = 'a,b\n1,2\n3\n4,5,6\n7,8\n';
      await expect(stage(csv)).rejects.toMatchObject({
        code: 'file_malformed',
        message: 'The file is not well-formed CSV: line 3, column "b": 1 fields where the header has 2',
        details: {
          problems: [
            { line: 3, column: 'b', message: '1 fields where the header has 2' },
            { line: 4, column: null, message: '3 fields where the header has 2' },
          ],
        },
      });
    });

    it('lists at most 20 of many bad lines', async () => {
      const failed = stage(`a,b\n${'1\n'.repeat(100)}`).catch((error: { details: { problems: unknown[] } }) => error);
      expect(((await failed) as { details: { problems: unknown[] } }).details.problems).toHaveLength(20);
    });

    it.each([
      ['an open quote', 'a,b\n1,"x\n2,y\n', /line 2, column "b": a quote that is not closed/],
      [
        'bytes that are not UTF-8',
        Buffer.from('a,b\n1,\xff\xfe\n', 'latin1'),
        /line 2, column "b": bytes that are not UTF-8/,
      ],
      ['an empty file', '', /The file is empty/],
      ['binary data', Buffer.from([1, 0, 2, 0, 3]), /binary data or text in an unmarked encoding/],
      ['half a gzip file', Buffer.from([0x1f, 0x8b, 8, 0]), /gzip file is cut off/],
      ['JSON', '{"a": 1}\n', /looks like JSON/],
      ['a name that stands twice', 'a,b,A\n1,2,3\n', /line 1: the name "A" stands twice/],
      ['a column without a name', 'a,,c\n1,2,3\n', /line 1: column 2 has no name/],
    ])('refuses %s', async (_what, content, message) => {
      await expect(stage(content)).rejects.toMatchObject({
        code: 'file_malformed',
        message: expect.stringMatching(message) as string,
      });
    });
  });

  describe('staging Parquet', () => {
    it('takes the upload as the part', async () => {
      const result = await stage(
        await parquet('select range as a, range::varchar as b from range(1000)'),
        {},
        'parquet',
      );
      expect(result).toMatchObject({
        rows: 1000,
        written: false,
        columns: [
          { name: 'a', type: 'BIGINT' },
          { name: 'b', type: 'VARCHAR' },
        ],
      });
    });

    it('tells a file that is cut off from one that is damaged and from one that is no Parquet', async () => {
      const good = await parquet('select range as a, md5(range::varchar) as b from range(100000)');
      await expect(stage(good.subarray(0, good.length - 100), {}, 'parquet')).rejects.toMatchObject({
        code: 'file_malformed',
        message: expect.stringContaining('cut off') as string,
      });
      const damaged = Buffer.from(good);
      damaged.fill(0x55, 100_000, 101_000);
      await expect(stage(damaged, {}, 'parquet')).rejects.toMatchObject({
        code: 'file_malformed',
        message: expect.stringContaining('damaged') as string,
      });
      await expect(stage('a,b\n1,2\n', {}, 'parquet')).rejects.toMatchObject({
        message: 'The file is text (perhaps CSV or JSON), not Parquet. Upload it as what it is',
      });
      await expect(stage(good, {}, 'csv')).rejects.toMatchObject({
        message: 'The file is a Parquet file, not CSV. Upload it as what it is',
      });
    });
  });

  describe('preparing', () => {
    it('gives clean typed parts to the engine as they are', async () => {
      const { Person, KNOWS } = await prepare({
        Person: ['id,age,born,name\na,1,2001-02-03,A\nb,2,,B\n'],
        KNOWS: ['from,to,since\na,b,1\nb,a,2\na,b,3\n'],
      });
      expect(Person).toMatchObject({ rowsLoaded: 2, rowsRejected: 0, reasons: {}, rejectsFile: null });
      expect(Person.files).toEqual([path('part-1.parquet')]);
      expect(KNOWS).toMatchObject({ rowsLoaded: 3, rowsRejected: 0, files: [path('part-2.parquet')] });
    });

    it('casts, orders and fills columns of parts that differ', async () => {
      const { Person, KNOWS } = await prepare({
        Person: [
          'name,id\nA,a\n',
          await parquet(`select 'b' as "ID", 7::double as age, timestamp '2001-02-03' as born, 'B' as name`),
        ],
        KNOWS: ['src,dst\na,b\n'],
      });
      expect(await rowsOf(Person.files[0])).toEqual(
        expect.arrayContaining([
          { id: 'a', age: null, born: null, name: 'A' },
          { id: 'b', age: 7, born: '2001-02-03', name: 'B' },
        ]),
      );
      expect(await rowsOf(KNOWS.files[0])).toEqual([{ end_from: 'a', end_to: 'b', since: null }]);
    });

    it('reads an end and a property from one column', async () => {
      const schema: GraphSchema = {
        ...SCHEMA,
        relationships: [
          {
            ...SCHEMA.relationships[0],
            fromColumn: 'Who',
            toColumn: 'whom',
            properties: [{ name: 'who', type: 'STRING', required: false }],
          },
        ],
      };
      const { KNOWS } = await prepare({ Person: ['id,name\na,A\n'], KNOWS: ['who,whom\na,a\n'] }, { schema });
      expect(await rowsOf(KNOWS.files[0])).toEqual([{ end_from: 'a', end_to: 'a', who: 'a' }]);
    });

    it('rejects bad nodes row by row; of equal keys the first of a file stays, and those of the newest file', async () => {
      const { Person } = await prepare({
        Person: [
          'id,age,born,name\na,1,,A1\n,2,,X\nc,1.5,,C\nd,5,,\ne,3,2001-13-01,E\n',
          'id,age,born,name\nb,1,,B\na,2,,A2\nb,3,,B2\nf,9,,F\n',
        ],
      });
      expect(Person).toMatchObject({
        rowsLoaded: 3,
        rowsRejected: 5,
        rowsReplaced: 1,
        reasons: { type_mismatch: 2, duplicate_key: 1, key_missing: 1, required_missing: 1 },
      });
      expect(await rowsOf(Person.files[0], 'id, name')).toEqual(
        expect.arrayContaining([
          { id: 'a', name: 'A2' },
          { id: 'b', name: 'B' },
          { id: 'f', name: 'F' },
        ]),
      );
      const [first, second] = ['Person-0.csv', 'Person-1.csv'];
      expect(Person.samples.map(({ fileName, row, reason, detail }) => [fileName, row, reason, detail])).toEqual([
        [first, 2, 'key_missing', 'id has no value'],
        [first, 3, 'type_mismatch', 'age is not INT32: 1.5'],
        [first, 4, 'required_missing', 'name has no value'],
        [first, 5, 'type_mismatch', 'born is not DATE: 2001-13-01'],
        [second, 3, 'duplicate_key', 'an earlier row has the key b'],
      ]);
      const rejects = await rowsOf(Person.rejectsFile!, 'file_id, "row", data');
      expect(rejects[1]).toEqual({
        file_id: 'Person-0',
        row: '3',
        data: '{"id":"c","age":"1.5","born":null,"name":"C"}',
      });
    });

    it('rejects relationships whose ends are missing or were rejected themselves', async () => {
      const { KNOWS } = await prepare({
        Person: ['id,name\na,A\nb,B\nbad,\n'],
        KNOWS: ['from,to,since\na,b,1\na,nobody,2\nbad,a,3\n,b,4\na,b,x\n'],
      });
      expect(KNOWS).toMatchObject({
        rowsLoaded: 1,
        rowsRejected: 4,
        reasons: { to_not_found: 1, from_not_found: 1, end_missing: 1, type_mismatch: 1 },
      });
      expect(KNOWS.samples[0]).toMatchObject({ row: 2, detail: 'no Person has the key nobody' });
    });

    it('rejects all relationships where no node is staged', async () => {
      const { Person, KNOWS } = await prepare({ KNOWS: ['from,to\na,b\n'] });
      expect(Person).toMatchObject({ rowsLoaded: 0, files: [] });
      expect(KNOWS).toMatchObject({ rowsLoaded: 0, rowsRejected: 1, files: [] });
    });

    it('lets ends point at nodes that the graph has already, given twice or not', async () => {
      const known = path('known.parquet');
      writeFileSync(known, await parquet(`select unnest(['a', 'b', 'old']) as id`));
      const { Person, KNOWS } = await prepare(
        { Person: ['id,name\na,A\nnew,N\n'], KNOWS: ['from,to\na,old\nnew,a\nb,b\nnobody,a\n'] },
        { knownKeys: { Person: [known] } },
      );
      expect(Person).toMatchObject({ rowsLoaded: 2, rowsRejected: 0 });
      expect(KNOWS).toMatchObject({ rowsLoaded: 3, rowsRejected: 1, reasons: { from_not_found: 1 } });
    });

    it('names columns that are missing, and leaves out unknown ones', async () => {
      const missing = prepare({ Person: ['id,age\na,1\n'], KNOWS: ['from,since\na,1\n'] });
      await expect(missing).rejects.toMatchObject({
        code: 'staging_columns_missing',
        message:
          'Columns that every row needs are missing: name in "Person-0.csv" (table Person); to in "KNOWS-0.csv" (table KNOWS)',
      });
      rmSync(path('out'), { recursive: true });
      const unknown = { Person: ['id,name,shoe\na,A,43\n'] };
      const { Person } = await prepare(unknown);
      expect(Person).toMatchObject({ rowsLoaded: 1, ignoredColumns: ['shoe'] });
      expect(await rowsOf(Person.files[0])).toEqual([{ id: 'a', age: null, born: null, name: 'A' }]);
    });

    it('takes lists of Parquet for what they say, whatever type their parts have there', async () => {
      const property = (name: string, type: PropertyType) => ({ name, type, required: false });
      const properties = [
        { name: 'id', type: 'INT64' as const, required: true },
        ...[property('v', 'FLOAT[2]'), property('spans', 'INTERVAL[]'), property('whole', 'INT64[]')],
      ];
      const schema: GraphSchema = {
        name: 's',
        version: '1',
        nodes: [{ name: 'N', primaryKey: 'id', properties }],
        relationships: [],
      };
      const good = `select 1::bigint as id, [0.1, 2]::double[2] as v, ['P1D', null] as spans, [1.0, 2.0]::double[] as whole`;
      const bad = (id: number, v: string, spans: string, whole: string) =>
        `union all select ${id}, ${v}::double[2], [${spans}], [${whole}]::double[]`;
      const file = await parquet(
        [good, bad(2, '[1e300, 0]', `'P1D'`, '1'), bad(3, '[1, 2]', `'x'`, '1'), bad(4, '[1, 2]', `'P1D'`, '1.5')].join(
          ' ',
        ),
      );
      const { N } = await prepare({ N: [file] }, { schema });
      expect(N.samples.map(({ detail }) => /^\w+ is not [^:]+/.exec(detail)![0])).toEqual([
        ...['v is not FLOAT[2]', 'spans is not INTERVAL[]', 'whole is not INT64[]'],
      ]);
      expect(await rowsOf(N.files[0])).toEqual([
        { id: '1', v: [Math.fround(0.1), 2], spans: ['1 day', null], whole: ['1', '2'] },
      ]);
    });

    it.each<[string, PropertyType, string[], string[]]>([
      ['INT8', 'INT8', ['127', '-128', '5.0', ' 7 '], ['128', '0x10', '1_0', '5.5', 'five', '1e1']],
      ['UINT64', 'UINT64', ['18446744073709551615', '0'], ['-1', '18446744073709551616']],
      ['BOOLEAN', 'BOOLEAN', ['true', 'FALSE', '1', 'f'], ['2', 'maybe']],
      ['DOUBLE', 'DOUBLE', ['1.5', '-1e300', '.5', 'NaN', '-Infinity', 'inf'], ['one', '1e309', '1_0', '1,5']],
      [
        'DATE',
        'DATE',
        ['2001-02-03', '2001-02-03T00:00:00', '0001-01-01', '0044-03-15 (BC)', '10000-01-01'],
        ['2001-02-30', '2001-02-03 04:05:06', 'infinity', '-infinity', '290000-01-01', 'today', '03.02.2001'],
      ],
      [
        'TIMESTAMP',
        'TIMESTAMP',
        ['2001-02-03 04:05:06.123456', '2001-02-03T04:05:06Z', '2001-02-03T04:05:06-12:30', '2001-02-28'],
        ['2001-02-30 00:00:00', 'now-ish', '2001-02-03 04:05:06+99:00', '2001-02-03 04:05:06 Europe/Paris', 'infinity'],
      ],
      ['UUID', 'UUID', ['00000000-0000-0000-0000-000000000001'], ['1']],
      ['DECIMAL', 'DECIMAL(6, 2)', ['1.5', '-9999.99', '7', '1.500'], ['1.234', '10000', 'x', '1e9']],
      [
        'INT128',
        'INT128',
        ['170141183460469231731687303715884105727', '-170141183460469231731687303715884105727', '0'],
        ['170141183460469231731687303715884105728', '-170141183460469231731687303715884105728', '1.5'],
      ],
      [
        'TIMESTAMP_TZ',
        'TIMESTAMP_TZ',
        ['2001-02-03 04:05:06+02', '2001-02-03 04:05:06', '2001-02-03 04:05:06 Europe/Paris'],
        ['2001-13-03 04:05:06+02', '2001-02-03 04:05:06+16:00'],
      ],
      ['list of moments', 'TIMESTAMP[]', ['["2001-02-03T04:05:06+02:00", null]'], ['["2001-02-03T04:05:06+16:00"]']],
      [
        'INTERVAL',
        'INTERVAL',
        ['1 year 2 days', 'P1Y2M3DT4H5M6.000007S', 'PT0S', '1 year -2 months'],
        ['a while', 'P1X', 'P', 'PT-0.5S', '-3 days', '1 month -1 day'],
      ],
      ['BLOB in base64', 'BLOB', ['aGVsbG8='], ['*']],
      ['list of integers', 'INT64[]', ['[1, 2]', '[]', '[9007199254740993, null]'], ['[1.5]', '["a"]', '[1', '1']],
      ['list of fractions', 'DOUBLE[]', ['[1, 2.5]'], ['["x"]']],
      ['array', 'FLOAT[2]', ['[1, 2]'], ['[1]', '[1, 2, 3]']],
      ['array of integers', 'INT64[2]', ['[1, 9007199254740993]', '[null, 2]'], ['[1]', '[1, 2.5]', '[1, 2, 3]']],
      ['list of arrays', 'INT8[2][]', ['[[1, 2], null]', '[]'], ['[[1]]', '[[1, 200]]']],
      [
        'struct with an array',
        'STRUCT(x INT64[2])',
        ['{"x": [1, 2]}', '{"x": null}'],
        ['{"x": [1]}', '{"x": [1, 2.5]}'],
      ],
      [
        'struct',
        'STRUCT(x INT64, Y DATE)',
        ['{"x": 1, "Y": "2001-02-03"}', '{"x": null, "Y": null}'],
        ['{"x": 1.5, "Y": null}', '{"x": 1}'],
      ],
      ['map', 'MAP(STRING, INT64)', ['{"a": 1, "b": 2}'], ['{"a": "b"}', '[1]']],
      ['list of intervals', 'INTERVAL[]', ['["P1D", null, "2 months"]', '[]'], ['["P-1D"]', '["P1D", "x"]', '"P1D"']],
      ['list of lists of them', 'INTERVAL[][]', ['[["P1D"], [], null, [null]]'], ['[["P1D"], ["x"]]', '["P1D"]']],
      ['array of intervals', 'INTERVAL[2]', ['["P1D", null]'], ['["P1D"]', '["P1D", "x"]']],
      ['list of bytes', 'BLOB[]', ['["aGVsbG8=", null]'], ['["*"]']],
      ['map of bytes', 'MAP(INT64, BLOB)', ['{"1": "aGVsbG8=", "2": null}', '{}'], ['{"1": "*"}', '{"a": ""}']],
      [
        'struct of many types',
        'STRUCT(a UUID, b INT64[], C BLOB, d STRUCT(e FLOAT))',
        [
          '{"a": "00000000-0000-4000-8000-00000000000a", "b": [9007199254740993], "C": "aGVsbG8=", "d": {"e": 0.1}}',
          '{"a": null, "b": null, "C": null, "d": null}',
        ],
        [
          '{"a": null, "b": [1.5], "C": null, "d": null}',
          '{"a": null, "b": null, "C": null, "d": {"e": "x"}}',
          '{"a": "00000000-0000-4000-8000-00000000000a"}',
        ],
      ],
    ])('takes exactly what is a %s', async (_name, type, good, bad) => {
      const schema: GraphSchema = {
        name: 's',
        version: '1',
        nodes: [
          {
            name: 'N',
            primaryKey: 'id',
            properties: [
              { name: 'id', type: 'INT64', required: true },
              { name: 'value', type, required: false },
            ],
          },
        ],
        relationships: [],
      };
      const lines = [...good, ...bad].map((value, index) => `${index},"${value.replaceAll('"', '""')}"`);
      const { N } = await prepare({ N: [`id,value\n${lines.join('\n')}\n`] }, { schema });
      expect(N.samples.map(({ detail }) => detail)).toEqual(bad.map((value) => `value is not ${type}: ${value}`));
      expect(N.rowsLoaded).toBe(good.length);
    });
  });

  describe('a process that is started before its job is known', () => {
    it('sees what was written meanwhile, and answers like one that was started with it', async () => {
      const options = { directory, signal: signal() };
      const started = await engine.ready('stage', options);
      writeFileSync(path('late.csv'), 'id\n1\n2\n');
      const job = { task: 'stage', format: 'csv', input: path('late.csv'), types: {}, output: path('late') } as const;
      await expect(engine.run(job, options, started)).resolves.toMatchObject({ rows: 2 });
      await processesVanish(directory);
    });

    it('is gone once it is not needed or not wanted any more', async () => {
      const abort = new AbortController();
      const options = { directory, signal: abort.signal };
      const unneeded = await engine.ready('stage', options);
      await processesAppear(directory);
      unneeded.kill();
      await processesVanish(directory);
      const aborted = await engine.ready('stage', options);
      await processesAppear(directory);
      abort.abort(new Error('cancelled by the test'));
      await processesVanish(directory);
      const job = { task: 'stage', format: 'csv', input: path('no.csv'), types: {}, output: path('no') } as const;
      await expect(engine.run(job, options, aborted)).rejects.toThrow('cancelled by the test');
      await expect(engine.ready('stage', options)).rejects.toThrow('cancelled by the test');
    });
  });

  describe('stopping', () => {
    /** A task of several seconds. */
    async function longTask(abort: AbortSignal): Promise<() => Promise<StageResult>> {
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      const select = 'select range as id, md5(range::varchar) as a, sha256(range::varchar) as b from range(2000000)';
      await connection.run(`copy (${select}) to '${path('big.csv')}' (header)`);
      const job = { task: 'stage', format: 'csv', input: path('big.csv'), types: { id: 'INT64' } } as const;
      return () => engine.run({ ...job, output: path('part.parquet') }, { directory, signal: abort });
    }

    it('kills the process and leaves no temporary files', async () => {
      const abort = new AbortController();
      const start = await longTask(abort.signal);
      const failed = expect(start()).rejects.toThrow('cancelled by the test');
      await processesAppear(directory);
      abort.abort(new Error('cancelled by the test'));
      await failed;
      expect(readdirSync(directory)).not.toContain('.duckdb');
      await processesVanish(directory);
    });

    it('reports a process that died without an answer as worth another try', async () => {
      const start = await longTask(signal());
      const failed = expect(start()).rejects.toMatchObject({ code: 'staging_engine_lost', retryable: true });
      const [pid] = await processesAppear(directory);
      process.kill(pid, 'SIGKILL');
      await failed;
      await processesVanish(directory);
    });

    it('cannot reach files outside its directory', async () => {
      const outside = mkdtempSync(join(tmpdir(), 'outside-'));
      writeFileSync(join(outside, 'a.csv'), 'a\n1\n');
      const job = { task: 'stage', format: 'csv', input: join(outside, 'a.csv'), types: {} } as const;
      const run = engine.run({ ...job, output: path('part.parquet') }, { directory, signal: signal() });
      await expect(run).rejects.toMatchObject({ code: 'staging_failed' });
      expect(existsSync(path('part.parquet'))).toBe(false);
      rmSync(outside, { recursive: true });
    });
  });

  it('stages and prepares three million real rows in a few seconds', async () => {
    const data = join(__dirname, '../../../node_modules/vega-datasets/data');
    const schema: GraphSchema = {
      name: 'flights',
      version: '1',
      nodes: [
        {
          name: 'Airport',
          primaryKey: 'iata',
          properties: [{ name: 'iata', type: 'STRING', required: true }],
        },
      ],
      relationships: [
        {
          name: 'FLIGHT',
          from: 'Airport',
          to: 'Airport',
          fromColumn: 'origin',
          toColumn: 'destination',
          properties: [
            { name: 'date', type: 'TIMESTAMP', required: false },
            { name: 'delay', type: 'INT32', required: false },
            { name: 'distance', type: 'INT32', required: false },
          ],
        },
      ],
    };
    const { FLIGHT } = await prepare(
      {
        Airport: [readFileSync(join(data, 'airports.csv'), 'utf8')],
        FLIGHT: [readFileSync(join(data, 'flights-3m.parquet'))],
      },
      { schema },
    );
    expect(FLIGHT).toMatchObject({ rowsLoaded: 3_000_000, rowsRejected: 0 });
  });
});

/** Ids of staging processes that work in the directory. */
function processesIn(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const usesIt = readlinkSync(`/proc/${pid}/cwd`) === directory;
        return usesIt && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('duckdb-main');
      } catch {
        // It ended between the two looks, or is not ours.
        return false;
      }
    })
    .map(Number);
}

async function processesAppear(directory: string): Promise<number[]> {
  await until(() => processesIn(directory).length > 0, 'a staging process');
  return processesIn(directory);
}

async function processesVanish(directory: string): Promise<void> {
  await until(() => processesIn(directory).length === 0, 'the end of all staging processes');
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 40_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
