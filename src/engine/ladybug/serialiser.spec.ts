import { duplicateOf, rowSerialiser, serialiserOf, type TableTypes } from './serialiser';

const text = (type: string, value: unknown, tables?: TableTypes): string => serialiserOf(type, tables)(value);
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
    ['DOUBLE', NaN, 'null'],
    ['DOUBLE', -Infinity, 'null'],
    ['FLOAT', 1.5, '1.5'],
    ['DECIMAL(18, 2)', 1.5, '"1.50"'],
    ['DATE', new Date('2020-01-31T00:00:00Z'), '"2020-01-31"'],
    ['DATE', new Date('1899-12-31T00:00:00Z'), '"1899-12-31"'],
    ['DATE', new Date(NaN), 'null'],
    ['TIMESTAMP', instant, '"2020-01-31T10:20:30.045Z"'],
    ['TIMESTAMP', new Date('1969-12-31T23:59:59Z'), '"1969-12-31T23:59:59Z"'],
    ['TIMESTAMP_NS', instant, '"2020-01-31T10:20:30.045Z"'],
    ['TIMESTAMP_TZ', new Date(NaN), 'null'],
    ['INTERVAL', 86_400_500, '"PT86400.5S"'],
    ['INTERVAL', -1000, '"-PT1S"'],
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
        ['born', serialiserOf('DATE')],
        ['name', serialiserOf('STRING')],
      ]),
    ],
    ['KNOWS', new Map([['since', serialiserOf('DATE')]])],
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

  it('keeps the order of the columns and writes absent values as null', () => {
    const row = rowSerialiser(
      [
        { name: 'b"', type: 'INT64' },
        { name: 'a', type: 'DATE' },
      ],
      new Map(),
    );
    expect(row({ a: null, 'b"': 1 })).toBe('{"b\\"":1,"a":null}');
  });

  it('finds a name that occurs twice', () => {
    expect(duplicateOf(['a', 'b', 'a'])).toBe('a');
    expect(duplicateOf(['a', 'A'])).toBeUndefined();
  });
});
