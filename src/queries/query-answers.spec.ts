import { text } from 'node:stream/consumers';
import { Clock } from '../common/clock';
import type { QueryStream } from '../engine/graph-engine';
import { jsonAnswer, ndjsonAnswer } from './query-answers';

/** A stream as the engine makes it: a batch after the first begins with the comma that joins it to the one before. */
function streamOf(...batches: number[][]): QueryStream {
  async function* read(): AsyncGenerator<{ rows: number; bytes: Buffer }> {
    let begun = false;
    for (const numbers of batches) {
      const rows = numbers.map((n) => `{"n":${n}}`).join(',');
      yield await Promise.resolve({ rows: numbers.length, bytes: Buffer.from(begun ? `,${rows}` : rows) });
      begun = true;
    }
  }
  const rows = batches.flat().length;
  return {
    columns: [{ name: 'n', type: 'INT64' }],
    batches: read(),
    summary: Promise.resolve({ rows, truncated: false, executionMs: 1.5 }),
    received: { rows, bytes: 0 },
  };
}

const options = { graphId: 'kg00000000000000000000', maxBytes: 1_000, now: new Date(0) };

describe('a JSON answer', () => {
  it('joins all batches to one document', async () => {
    const answer = JSON.parse((await jsonAnswer(streamOf([1, 2], [3], [4]), options)).toString()) as object;
    expect(answer).toMatchObject({ row_count: 4, truncated: false, data: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }] });
  });

  it('leaves out whole batches that would make it too large, and says so', async () => {
    const answer = JSON.parse(
      (await jsonAnswer(streamOf([1], [2]), { ...options, maxBytes: 10 })).toString(),
    ) as object;
    expect(answer).toMatchObject({ row_count: 1, truncated: true, data: [{ n: 1 }] });
  });

  it('holds an empty list where there is no row', async () => {
    expect(JSON.parse((await jsonAnswer(streamOf(), options)).toString())).toMatchObject({ row_count: 0, data: [] });
  });
});

describe('an NDJSON answer', () => {
  const linesOf = async (stream: QueryStream): Promise<unknown[]> => {
    const lines = (await text(ndjsonAnswer(stream, 'req_1', new Clock()))).split('\n');
    expect(lines.pop()).toBe('');
    return lines.map((line) => JSON.parse(line) as unknown);
  };

  it('is one whole document for each batch, then the summary', async () => {
    expect(await linesOf(streamOf([1, 2], [3]))).toEqual([
      { chunk_index: 0, columns: ['n'], column_types: ['INT64'], row_count: 2, rows: [{ n: 1 }, { n: 2 }] },
      { chunk_index: 1, row_count: 1, rows: [{ n: 3 }] },
      { complete: true, total_rows: 3, truncated: false, execution_time_ms: 1.5 },
    ]);
  });

  it('names its columns where there is no row', async () => {
    expect(await linesOf(streamOf())).toMatchObject([{ columns: ['n'], rows: [], complete: true, total_rows: 0 }]);
  });
});
