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

  it.each([[{ x: NaN }], [{ x: [Infinity] }], [{ x: Buffer.from('a') }]])('refuses %j', (parameters) => {
    expect(() => encodeParameters(parameters)).toThrow(UnusableParameter);
  });

  it('gives objects of one list the same keys', () => {
    expect(bindParameters({ rows: [{ a: 1 }, { b: 'x' }] })).toEqual({
      rows: [
        { a: 1, b: null },
        { a: null, b: 'x' },
      ],
    });
  });

  it('says what to do about an empty list', () => {
    expect(() => bindParameters({ ids: { deep: [] } })).toThrow('Parameter ids holds an empty list');
  });
});
