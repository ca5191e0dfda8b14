import { distinctNames } from './exact-statement';
import { Losses } from './scalar-serialisers';
import { rowSerialiser, serialiserOf } from './serialiser';
import { parseType, type TableTypes } from '../value-types';

const text = (type: string, value: unknown, tables?: TableTypes): string =>
  serialiserOf(type, { tables: tables ?? new Map() })(value);
/** With the text that the engine prints of the value; whether it was read to its end is noted, too. */
const exactText = (type: string, value: unknown, exact: string, types: TableTypes = new Map()): [string, boolean] => {
  const losses = new Losses();
  const columns = [{ name: 'v', type }];
  const row = rowSerialiser({ columns, tables: types, losses, sources: [{ plain: 'v', exact: 'e' }] })({
    v: value,
    e: exact,
  });
  return [/^\{"v":(.*)\}$/s.exec(row)?.[1] ?? row, losses.seen];
};
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
    ['INT64[]', [1, 9007199254740992, null], '[1,9007199254740993,]', '[1,"9007199254740993",null]'],
    ['DECIMAL(5, 3)[]', [-0.001, null], '[0.0-1,]', '["-0.001",null]'],
    ['DATE', new Date(NaN), '290000-01-31', '"+290000-01-31"'],
    [
      'STRUCT(a b INT64, c STRING, d DOUBLE)',
      { 'a b': 2 ** 60, c: 'x, d: }]', d: null },
      '{a b: 1152921504606846977, c: x, d: }], d: }',
      '{"a b":"1152921504606846977","c":"x, d: }]","d":null}',
    ],
    [
      'MAP(TIMESTAMP, INTERVAL)',
      { '2020-01-31 10:00:00': 0, '2020-02-01 10:00:00': null },
      '{2020-01-31 10:00:00=1 day, 2020-02-01 10:00:00=}',
      '{"2020-01-31T10:00:00Z":"P1D","2020-02-01T10:00:00Z":null}',
    ],
    // The binding's object has whole numbers first.
    [
      'MAP(STRING, INT64)',
      { '1': 2 ** 60, a: 1, 'a=': 2 },
      '{a=1, 1=1152921504606846977, a==2}',
      '{"1":"1152921504606846977","a":1,"a=":2}',
    ],
    ['BLOB[]', [Buffer.from('a,\'"\\\x01')], '[a,\\x27\\x22\\x5C\\x01]', '["YSwnIlwB"]'],
    [
      'STRUCT(a STRUCT(b INT64), c BOOL)[]',
      [{ a: null, c: true }, null],
      '[{a: , c: True},]',
      '[{"a":null,"c":true},null]',
    ],
    ['UNION(a INT64, b DATE)', instant, 'b:2020-01-31', '{"b":"2020-01-31"}'],
  ])('%s, exactly', (type, value, exact, expected) => {
    expect(exactText(type, value, exact)).toEqual([expected, false]);
    expect(() => JSON.parse(expected) as unknown).not.toThrow();
  });

  it('reads the texts of nodes, relationships and paths', () => {
    const at = new Date('2020-01-31T10:20:30Z');
    const types: TableTypes = new Map([
      [
        'P',
        new Map([
          ['name', parseType('STRING')],
          ['at', parseType('TIMESTAMP')],
          ['n', parseType('INT64')],
        ]),
      ],
      ['L', new Map([['w', parseType('INT64')]])],
    ]);
    const id = { offset: 0, table: 1 };
    const node = { name: ', at: }', at, n: null, other: null, _label: 'P', _id: id };
    const link = { w: 2 ** 60, _src: id, _dst: id, _label: 'L', _id: id };
    const nodeText = '{_ID: 1:0, _LABEL: P, name: , at: }, at: 2020-01-31 10:20:30.000001}';
    const linkText = '{_SRC: 1:0, _DST: 1:0, _LABEL: L, _ID: 1:0, w: 1152921504606846977}';
    const ids = '{"offset":0,"table":1}';
    const nodeJson = `{"name":", at: }","at":"2020-01-31T10:20:30.000001Z","n":null,"_label":"P","_id":${ids}}`;
    const linkJson = `{"w":"1152921504606846977","_src":${ids},"_dst":${ids},"_label":"L","_id":${ids}}`;
    expect(exactText('NODE', node, nodeText, types)).toEqual([nodeJson, false]);
    expect(exactText('NODE[]', [node, null], `[${nodeText},]`, types)).toEqual([`[${nodeJson},null]`, false]);
    expect(exactText('REL', link, linkText, types)).toEqual([linkJson, false]);
    const path = { _nodes: [node, node], _rels: [link] };
    const pathText = `{_NODES: [${nodeText},${nodeText}], _RELS: [${linkText}]}`;
    const pathJson = `{"_nodes":[${nodeJson},${nodeJson}],"_rels":[${linkJson}]}`;
    expect(exactText('RECURSIVE_REL', path, pathText, types)).toEqual([pathJson, false]);
  });

  it.each([
    ['INT64[]', [1], '[1,2]'],
    ['INT64[]', [1, 2], '[1]'],
    ['STRUCT(a STRING, b INT64)', { a: 'x', b: 1 }, '{a: y, b: 1}'],
    ['MAP(STRING, INT64)', { a: 1 }, '{b=1}'],
    ['UNION(a INT64)', 1, 'b:1'],
    ['UNION(a INT64)[]', [1], '[1]'],
    ['INT64', 2 ** 60, '1152921504606846977 and more}'],
  ])('does not believe a text of %s that is of another value', (type, value, exact) => {
    expect(exactText(type, value, exact)[1]).toBe(true);
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
