import { pageOfLines } from './result-lines';

async function* chunks(text: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += size) yield await Promise.resolve(Buffer.from(text.slice(at, at + size)));
}

describe('a page of lines', () => {
  const text = Array.from({ length: 10 }, (_, n) => `{"n":${n}}\n`).join('');
  const page = async (size: number, options: Partial<Parameters<typeof pageOfLines>[1]>) => {
    const { rows, bytes } = await pageOfLines(chunks(text, size), {
      offset: 0,
      limit: 100,
      maxBytes: 1_000,
      ...options,
    });
    return { rows, numbers: (JSON.parse(`[${bytes.toString()}]`) as { n: number }[]).map(({ n }) => n) };
  };

  it.each([1, 3, 8, 1_000])('is the same however the bytes were cut (%d)', async (size) => {
    expect(await page(size, {})).toEqual({ rows: 10, numbers: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] });
    expect(await page(size, { offset: 3, limit: 2 })).toEqual({ rows: 2, numbers: [3, 4] });
    expect(await page(size, { offset: 9, limit: 2 })).toEqual({ rows: 1, numbers: [9] });
    expect(await page(size, { offset: 10 })).toEqual({ rows: 0, numbers: [] });
  });

  it('ends early where it would grow too large, but holds at least one row', async () => {
    expect(await page(4, { maxBytes: 16 })).toEqual({ rows: 2, numbers: [0, 1] });
    expect(await page(4, { maxBytes: 1, offset: 5 })).toEqual({ rows: 1, numbers: [5] });
  });
});
