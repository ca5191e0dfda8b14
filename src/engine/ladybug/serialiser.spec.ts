import { distinctNames } from './exact-statement';
import { Losses, rowSerialiser, serialiserOf } from './serialiser';
import { parseType, type TableTypes } from '../value-types';

const text = (type: string, value: unknown, tables?: TableTypes): string =>
  serialiserOf(type, { tables: tables ?? new Map() })(value);
const exactText = (type: string, value: unknown, exact: unknown): string => serialiserOf(type)(value, exact);
const loses = (type: string, value: unknown): boolean => {
  const losses = new Losses();
  serialiserOf(type, { losses })(value);
  return losses.seen;
};
const instant = new Date('2020-01-31T10:20:30.045Z');

describe('serialiser', () => {
  it.each([
    ['STRING', 'a "b" \\ \n \u0001 é 😀', JSON.stringify('a "b" \\ \n \u0001 é 😀')],
    ['STRING', '\ud800', '"\\ud800"'],
    ['UUID', 'a0ee', '"a0ee"'],
    ['BOOL', false, 'false'],
    ['INT32', -5, '-5'],
    ['INT64', 9007199254740991, '9007199254740991'],
    ['INT64', '12', '12'],
    ['INT64', '9007199254740993', '"9007199254740993"'],
    ['DATE', 'soon', '"soon"'],
    ['INT128', 5n, '5'],
    ['INT128', 9007199254740993n, '"9007199254740993"'],
    ['INT128', -9007199254740993n, '"-9007199254740993"'],
    ['DOUBLE', 0.1, '0.1'],
    ['DOUBLE', NaN, '"NaN"'],
    ['DOUBLE', -0, '-0.0'],
    ['DOUBLE', -Infinity, '"-Infinity"'],
    ['FLOAT', Math.fround(0.1), '0.1'],
    ['FLOAT', 1.5, '1.5'],
    ['DECIMAL(18, 2)', 1.5, '"1.50"'],
    ['DATE', new Date('2020-01-31T00:00:00Z'), '"2020-01-31"'],
    ['DATE', new Date('1899-12-31T00:00:00Z'), '"1899-12-31"'],
    ['DATE', new Date(NaN), 'null'],
    ['TIMESTAMP', instant, '"2020-01-31T10:20:30.045Z"'],
    ['TIMESTAMP', new Date('1969-12-31T23:59:59Z'), '"1969-12-31T23:59:59Z"'],
    ['TIMESTAMP_NS', instant, '"2020-01-31T10:20:30.045Z"'],
    ['TIMESTAMP_TZ', new Date(NaN), 'null'],
    ['BLOB', Buffer.from('ab'), '"YWI="'],
    ['INT64[2]', [1, null], '[1,null]'],
    ['DATE[][]', [[new Date('2020-01-31')], []], '[["2020-01-31"],[]]'],
    [
      'STRUCT(a INT64, b STRUCT(c DATE, d DECIMAL(4, 1))[])',
      { a: 1, b: [{ c: instant, d: 2 }] },
      '{"a":1,"b":[{"c":"2020-01-31","d":"2.0"}]}',
    ],
    ['MAP(STRING, DATE)', { x: instant, y: null }, '{"x":"2020-01-31","y":null}'],
    [
      'SOMETHING_NEW',
      { at: instant, big: 9007199254740993n, bytes: Buffer.from('a') },
      '{"at":"2020-01-31T10:20:30.045Z","big":"9007199254740993","bytes":"YQ=="}',
    ],
  ])('%s', (type, value, expected) => {
    expect(text(type, value)).toBe(expected);
    expect(() => JSON.parse(expected) as unknown).not.toThrow();
  });

  const tables: TableTypes = new Map([
    [
      'Person',
      new Map([
        ['born', parseType('DATE')],
        ['name', parseType('STRING')],
      ]),
    ],
    ['KNOWS', new Map([['since', parseType('DATE')]])],
  ]);
  const person = { name: 'Ada', born: instant, other: null, _label: 'Person', _id: { offset: 0, table: 1 } };
  const personText = '{"name":"Ada","born":"2020-01-31","_label":"Person","_id":{"offset":0,"table":1}}';
  const knows = {
    since: instant,
    _src: { offset: 0, table: 1 },
    _dst: { offset: 0, table: 1 },
    _label: 'KNOWS',
    _id: null,
  };
  const knowsText =
    '{"since":"2020-01-31","_src":{"offset":0,"table":1},"_dst":{"offset":0,"table":1},"_label":"KNOWS","_id":null}';

  it('gives nodes and relationships the types of their tables and no properties of others', () => {
    expect(text('NODE', person, tables)).toBe(personText);
    expect(text('REL', knows, tables)).toBe(knowsText);
    expect(text('NODE[]', [person, null], tables)).toBe(`[${personText},null]`);
  });

  it('writes paths with their nodes and relationships', () => {
    expect(text('RECURSIVE_REL', { _nodes: [person], _rels: [knows] }, tables)).toBe(
      `{"_nodes":[${personText}],"_rels":[${knowsText}]}`,
    );
  });

  it.each([
    ['INT64', 9007199254740992, '9007199254740993', '"9007199254740993"'],
    ['INT64', 5, '5', '5'],
    ['DECIMAL(38, 2)', 1, '12345678901234567890.10', '"12345678901234567890.10"'],
    ['TIMESTAMP', instant, '2020-01-31 10:20:30.045678', '"2020-01-31T10:20:30.045678Z"'],
    ['TIMESTAMP', instant, '2020-01-31 10:20:30', '"2020-01-31T10:20:30Z"'],
    ['TIMESTAMP', instant, '290000-01-31 10:20:30.5', '"+290000-01-31T10:20:30.500Z"'],
    ['TIMESTAMP_TZ', instant, '2020-01-31 10:20:30.04+00', '"2020-01-31T10:20:30.040Z"'],
    ['INTERVAL', 0, '1 year 2 months 3 days 04:05:06.000007', '"P1Y2M3DT4H5M6.000007S"'],
    ['INTERVAL', 0, '-1 months 1 day -25:00:00.000001', '"P-1M1DT-25H-0.000001S"'],
    ['INTERVAL', 0, '00:00:00', '"PT0S"'],
    ['INT64[]', [1, 9007199254740992], ['1', '9007199254740993'], '[1,"9007199254740993"]'],
    [
      'STRUCT(a b INT64, c STRING)',
      { 'a b': 2 ** 60, c: 'x' },
      { 'a b': '1152921504606846977' },
      '{"a b":"1152921504606846977","c":"x"}',
    ],
    [
      'MAP(TIMESTAMP, INTERVAL)',
      { '2020-01-31 10:00:00': 0 },
      { '2020-01-31 10:00:00': '1 day' },
      '{"2020-01-31T10:00:00Z":"P1D"}',
    ],
    ['UNION(a INT64, b DATE)', { tag: 1 }, { tag: 'b', m0: null, m1: instant }, '{"b":"2020-01-31"}'],
  ])('%s, exactly', (type, value, exact, expected) => {
    expect(exactText(type, value, exact)).toBe(expected);
    expect(() => JSON.parse(expected) as unknown).not.toThrow();
  });

  it.each([
    ['INT64', 2 ** 53, true],
    ['INT64', 2 ** 53 - 1, false],
    ['INT64[]', [1, -(2 ** 53)], true],
    ['DECIMAL(38, 2)', 2 ** 52 / 100, true],
    ['DECIMAL(38, 2)', 2 ** 51 / 100, false],
    ['TIMESTAMP', instant, true],
    ['TIMESTAMP_MS', instant, false],
    ['DATE', new Date(NaN), true],
    ['INTERVAL', 1000, true],
    ['UNION(a INT64)', { tag: 1 }, true],
    ['DOUBLE', 1e300, false],
  ])('notes of %s %p whether something may be lost: %p', (type, value, expected) => {
    expect(loses(type, value)).toBe(expected);
  });

  it('keeps the order of the columns, writes absent values as null and looks where the values are', () => {
    const row = rowSerialiser({
      columns: [
        { name: 'b"', type: 'INT64' },
        { name: 'a', type: 'INT64' },
      ],
      tables: new Map(),
      losses: new Losses(),
      sources: [{ plain: 'b"' }, { plain: 'a', exact: 'other' }],
      names: [new Set(), new Set()],
      exact: true,
    });
    expect(row({ a: 2 ** 60, 'b"': null, other: '1152921504606846977' })).toBe(
      '{"b\\"":null,"a":"1152921504606846977"}',
    );
  });

  it('tells columns of one name apart', () => {
    expect(distinctNames(['x', 'y', 'x', 'x_2', 'x'])).toEqual(['x', 'y', 'x_3', 'x_2', 'x_4']);
    expect(distinctNames(['a', 'A'])).toEqual(['a', 'A']);
  });
});
