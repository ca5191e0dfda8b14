import { bindParameters, encodeParameters, UnusableParameter } from './parameters';

describe('parameters', () => {
  it('become JSON without loss', () => {
    const born = new Date('2020-01-02T03:04:05Z');
    expect(
      encodeParameters({ a: 5n, b: 2n ** 60n, c: born, d: [born], e: undefined, f: new Map([['x', 1n]]) }),
    ).toEqual({
      a: 5,
      b: '1152921504606846976',
      c: '2020-01-02T03:04:05.000Z',
      d: ['2020-01-02T03:04:05.000Z'],
      e: null,
      f: { x: 1 },
    });
  });

  it('keep numbers that are exact, and those that no INT64 is meant by', () => {
    const exact = { a: 2 ** 53 - 1, b: 1.5, c: 1e300, d: -(2 ** 53 - 1), e: '9007199254740993' };
    expect(encodeParameters(exact)).toEqual(exact);
  });

  it.each([[{ x: 2 ** 53 }], [{ x: [{ y: -(2 ** 62) }] }]])('refuses %j, which JSON has rounded', (parameters) => {
    expect(() => encodeParameters(parameters)).toThrow('Send it as text');
  });

  it.each([[{ x: NaN }], [{ x: [Infinity] }], [{ x: Buffer.from('a') }]])('refuses %j', (parameters) => {
    expect(() => encodeParameters(parameters)).toThrow(UnusableParameter);
  });

  it('are nested so deep and no deeper', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(encodeParameters({ x: nested(30) })).toEqual({ x: nested(30) });
    expect(() => encodeParameters({ x: nested(31) })).toThrow('Parameter x is nested deeper than 30 times');
  });

  it('gives objects of one list the same keys', () => {
    expect(bindParameters({ rows: [{ a: 1 }, { b: 'x' }] })).toEqual({
      rows: [
        { a: 1, b: null },
        { a: null, b: 'x' },
      ],
    });
  });

  it('says what to do about what has no type, or several', () => {
    expect(() => bindParameters({ ids: { deep: [] } })).toThrow('Parameter ids holds an empty list');
    expect(() => bindParameters({ x: {} })).toThrow('Parameter x holds an empty object');
    expect(() => bindParameters({ x: [1, 'a', null] })).toThrow('Parameter x holds a list of numbers and texts');
    expect(bindParameters({ x: [1, 2.5, null], y: [['a'], []].slice(0, 1) })).toEqual({
      x: [1, 2.5, null],
      y: [['a']],
    });
  });
});
