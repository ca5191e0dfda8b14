import fc from 'fast-check';
import { EngineWorld } from '../../../test/support/engine-world';
import type { GenerationRef } from '../graph-engine';

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** What a whole number is on the wire. */
const wire = (value: bigint): number | string =>
  value <= MAX_SAFE && value >= -MAX_SAFE ? Number(value) : value.toString();
const runs = { numRuns: 20 };
const US = 1_000_000n;

/** Values of every type go in as text and must come out of the platform as what they are. */
describe('values of query results, exactly', () => {
  let world: EngineWorld;
  let graph: GenerationRef;

  beforeAll(async () => {
    world = new EngineWorld();
    graph = await world.graphOf([
      'CREATE NODE TABLE Thing(id INT64 PRIMARY KEY, at TIMESTAMP, price DECIMAL(20,3), many INT64[], span INTERVAL, u UUID, b BLOB)',
      'CREATE REL TABLE LINK(FROM Thing TO Thing, weight INT64, since TIMESTAMP)',
      `CREATE (a:Thing {id: 9007199254740993, at: timestamp('2020-01-01 10:00:00.123456'), price: cast('12345678901234567.890' AS DECIMAL(20,3)),
             many: [9007199254740995, NULL], span: interval('1 month 2 days 3 microseconds'), u: UUID('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), b: BLOB('\\\\xAA\\\\x01')}),
             (b:Thing {id: -9223372036854775807, at: timestamp('1969-12-31 23:59:59.999999'), many: []}),
             (a)-[:LINK {weight: 9223372036854775807, since: timestamp('2020-01-01 10:00:00.000001')}]->(b)`,
    ]);
  });
  afterAll(() => world.end());

  const rowsOf = async (statement: string, parameters = {}): Promise<Record<string, unknown>[]> =>
    (await world.rows(graph, statement, parameters)).rows;
  /** The text as a value of a type, alone and in nested values. */
  const shapesOf = async (text: string, type: string): Promise<unknown> => {
    const value = `cast('${text}' AS ${type})`;
    const [row] = await rowsOf(
      `RETURN ${value} AS v, [${value}, NULL] AS l, {f: ${value}, g: [${value}]} AS s, map(['k'], [${value}]) AS m, [[${value}]] AS ll`,
    );
    return row;
  };
  const inShapes = (value: unknown): unknown => ({
    v: value,
    l: [value, null],
    s: { f: value, g: [value] },
    m: { k: value },
    ll: [[value]],
  });
  const integers = (bits: bigint, signed: boolean) =>
    fc.bigInt(
      signed ? { min: -(2n ** (bits - 1n)) + 1n, max: 2n ** (bits - 1n) - 1n } : { min: 0n, max: 2n ** bits - 1n },
    );
  const around2To53 = fc.bigInt(2n ** 53n - 3n, 2n ** 53n + 3n);

  it.each([
    ['INT64', fc.oneof(integers(64n, true), around2To53, fc.constant(2n ** 63n - 1n), fc.constant(-(2n ** 63n) + 1n))],
    ['UINT64', fc.oneof(integers(64n, false), around2To53, fc.constant(2n ** 64n - 1n))],
    ['INT128', fc.oneof(integers(127n, true), around2To53)],
    ['INT32', fc.oneof(integers(32n, true), fc.constant(2n ** 31n - 1n))],
    ['UINT32', fc.oneof(integers(32n, false), fc.constant(2n ** 32n - 1n))],
    ['INT16', integers(16n, true)],
    ['INT8', integers(8n, true)],
    ['UINT8', integers(8n, false)],
  ])('%s', (type, values) =>
    fc.assert(
      fc.asyncProperty(values, async (value) => {
        expect(await shapesOf(value.toString(), type)).toEqual(inShapes(wire(value)));
      }),
      runs,
    ),
  );

  it('DECIMAL, as text with all its digits', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.bigInt(-200n, 200n)), async (units) => {
        const digits = (units < 0n ? -units : units).toString().padStart(11, '0');
        const text = `${units < 0n ? '-' : ''}${digits.slice(0, -10)}.${digits.slice(-10)}`;
        expect(await shapesOf(text, 'DECIMAL(38, 10)')).toEqual(inShapes(text));
      }),
      runs,
    ));

  it('DOUBLE', () =>
    fc.assert(
      fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (value) => {
        const [row] = await rowsOf('RETURN cast($text AS DOUBLE) AS v', {
          text: Object.is(value, -0) ? '-0.0' : String(value),
        });
        expect(Object.is(row.v, value)).toBe(true);
      }),
      runs,
    ));

  it('NaN and infinities, as text', async () => {
    const statement =
      "RETURN cast('NaN' AS DOUBLE) AS n, cast('inf' AS DOUBLE) AS i, cast('-inf' AS FLOAT) AS f, cast('0.1' AS FLOAT) AS t";
    expect(await rowsOf(statement)).toEqual([{ n: 'NaN', i: 'Infinity', f: '-Infinity', t: 0.1 }]);
  });

  it('TIMESTAMP and TIMESTAMP_TZ, microseconds kept', () =>
    fc.assert(
      fc.asyncProperty(fc.bigInt(-60_000_000_000n * US, 250_000_000_000n * US), async (micros) => {
        const seconds = (micros - (((micros % US) + US) % US)) / US;
        const day = new Date(Number(seconds) * 1000).toISOString();
        const fraction = (((micros % US) + US) % US).toString().padStart(6, '0');
        const text = `${day.slice(0, 10)} ${day.slice(11, 19)}.${fraction}`;
        const digits = /^(...)000$/.test(fraction) ? fraction.slice(0, 3) : fraction;
        const iso = `${day.slice(0, 19)}${fraction === '000000' ? '' : `.${digits}`}Z`;
        expect(await shapesOf(text, 'TIMESTAMP')).toEqual(inShapes(iso));
        expect(await shapesOf(`${text}+00`, 'TIMESTAMP_TZ')).toEqual(inShapes(iso));
      }),
      runs,
    ));

  it('DATE', () =>
    fc.assert(
      fc.asyncProperty(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        async (date) => {
          const text = date.toISOString().slice(0, 10);
          expect(await shapesOf(text, 'DATE')).toEqual(inShapes(text));
        },
      ),
      runs,
    ));

  it('INTERVAL, as an ISO 8601 duration with months, days and microseconds apart', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(11), fc.nat(1000), fc.nat(23), fc.nat(999_999), async (months, days, hours, micros) => {
        const text = `${months} months ${days} days ${hours} hours ${micros} microseconds`;
        const seconds = micros === 0 ? '' : `0.${micros.toString().padStart(6, '0').replace(/0+$/, '')}S`;
        const time = `${hours ? `${hours}H` : ''}${seconds}`;
        const iso = `P${months ? `${months}M` : ''}${days ? `${days}D` : ''}${time ? `T${time}` : ''}`;
        expect(await shapesOf(text, 'INTERVAL')).toEqual(inShapes(iso === 'P' ? 'PT0S' : iso));
      }),
      runs,
    ));

  it('STRING, whatever is in it', () =>
    fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        async (text) => {
          expect(await rowsOf('RETURN $text AS v, [$text] AS l', { text })).toEqual([{ v: text, l: [text] }]);
        },
      ),
      runs,
    ));

  it('UUID, BLOB and UNION', async () => {
    const statement = `RETURN UUID('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11') AS u, BLOB('\\\\xAA\\\\x01') AS b,
      union_value(n := 9007199254740993) AS n, cast(cast('2020-01-01' AS TIMESTAMP) AS UNION(a INT64, t TIMESTAMP)) AS t`;
    expect(await rowsOf(statement)).toEqual([
      {
        u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        b: 'qgE=',
        n: { n: '9007199254740993' },
        t: { t: '2020-01-01T00:00:00Z' },
      },
    ]);
  });

  const first = {
    id: '9007199254740993',
    at: '2020-01-01T10:00:00.123456Z',
    price: '12345678901234567.890',
    many: ['9007199254740995', null],
    span: 'P1M2DT0.000003S',
    u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    b: 'qgE=',
    _label: 'Thing',
  };
  const link = { weight: '9223372036854775807', since: '2020-01-01T10:00:00.000001Z', _label: 'LINK' };

  it('nodes, relationships and paths with exact properties, alone and in lists', async () => {
    const [row] = await rowsOf(
      `MATCH p = (a:Thing)-[l:LINK]->(b:Thing) OPTIONAL MATCH (b)-[:LINK]->(nobody:Thing)
       RETURN a, l, p, collect(b) AS bs, nobody, {n: a, \`two words\`: l.weight} AS s`,
    );
    expect(row).toMatchObject({
      a: first,
      l: link,
      p: { _nodes: [first, { at: '1969-12-31T23:59:59.999999Z' }], _rels: [link] },
    });
    expect(row.bs).toMatchObject([{ id: '-9223372036854775807', price: null, many: [] }]);
    expect(row.s).toMatchObject({ n: first, 'two words': link.weight });
    expect(row.nobody).toBeNull();
    const steps = await rowsOf('MATCH (a:Thing)-[s:LINK*1..2]->(b:Thing) RETURN s');
    expect(steps).toMatchObject([{ s: { _rels: [link] } }]);
  });

  it.each([
    ['MATCH (t:Thing) RETURN * ORDER BY t.at LIMIT 1', [{ t: { at: '1969-12-31T23:59:59.999999Z' } }]],
    ['MATCH (t:Thing) WHERE t.price > 1 RETURN t.*', [{ 't.id': first.id, 't.at': first.at, 't.span': first.span }]],
    ['MATCH (t:Thing) RETURN DISTINCT t.at AS x ORDER BY x DESC SKIP 0 LIMIT 1', [{ x: first.at }]],
    ['MATCH (t:Thing) RETURN max(t.at) AS x, count(*) AS n', [{ x: first.at, n: 2 }]],
    [
      'MATCH (t:Thing) WHERE t.id > 0 RETURN t.at AS x UNION ALL MATCH (t:Thing) WHERE t.id > 0 RETURN t.at AS x',
      [{ x: first.at }, { x: first.at }],
    ],
    ['RETURN 1 AS x, 2 AS x, 9007199254740993 AS x', [{ x: 1, x_2: 2, x_3: '9007199254740993' }]],
    ['MATCH (t:Thing) WHERE t.id > 0 RETURN t.id, t.id // twice', [{ 't.id': first.id, 't.id_2': first.id }]],
    ['RETURN sum(9007199254740993) AS x', [{ x: '9007199254740993' }]],
  ])('%s', async (statement, expected) => {
    for (let time = 0; time < 2; time += 1) expect(await rowsOf(statement)).toMatchObject(expected);
  });

  it('follow the types of the parameters, call by call', async () => {
    const statement = 'RETURN $x AS x';
    expect(await rowsOf(statement, { x: 1 })).toEqual([{ x: 1 }]);
    expect(await rowsOf(statement, { x: 'text' })).toEqual([{ x: 'text' }]);
    const cast = 'RETURN $x + 0 AS x';
    expect(await rowsOf(cast, { x: 1.5 })).toEqual([{ x: 1.5 }]);
  });

  it('are exact far down a long result, too', async () => {
    const rows = await rowsOf(
      'UNWIND range(1, 5000) AS i RETURN CASE WHEN i = 4999 THEN 9007199254740993 ELSE i END AS x, i AS i',
    );
    expect(rows).toHaveLength(5_000);
    expect(rows.find(({ i }) => i === 4_999)).toEqual({ x: '9007199254740993', i: 4_999 });
  });
});
