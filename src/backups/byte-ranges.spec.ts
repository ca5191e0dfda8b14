import { partOf, rangeOf } from './byte-ranges';

describe('parts of a download', () => {
  it.each([
    [undefined, null],
    ['bytes=0-', { start: 0, end: 10 }],
    ['bytes=3-5', { start: 3, end: 6 }],
    ['bytes=3-99', { start: 3, end: 10 }],
    ['bytes=-4', { start: 6, end: 10 }],
    ['bytes=-99', { start: 0, end: 10 }],
    // What makes no sense, or is more than one part, is answered with the whole.
    ['bytes=5-3', null],
    ['bytes=-', null],
    ['bytes=1-2,4-5', null],
    ['rows=1-2', null],
  ])('%j of ten bytes is %j', (header, range) => {
    expect(rangeOf(header, 10)).toEqual(range);
  });

  it.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('%j is refused', (header) => {
    expect(() => rangeOf(header, 10)).toThrow('has 10 bytes');
  });

  it('are cut out of what is read, which is not read on behind them', async () => {
    let given = 0;
    async function* digits() {
      for (const chunk of ['012', '345', '678', '9']) {
        given += 1;
        yield Buffer.from(chunk);
      }
    }
    const part = async (start: number, end: number) => {
      given = 0;
      const chunks: Buffer[] = [];
      for await (const chunk of partOf(digits(), { start, end })) chunks.push(chunk);
      return [Buffer.concat(chunks).toString(), given];
    };
    expect(await part(0, 10)).toEqual(['0123456789', 4]);
    expect(await part(2, 4)).toEqual(['23', 2]);
    expect(await part(3, 6)).toEqual(['345', 2]);
    expect(await part(9, 10)).toEqual(['9', 4]);
  });
});
