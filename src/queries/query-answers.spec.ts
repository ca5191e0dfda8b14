import { text } from 'node:stream/consumers';
import { Clock } from '../common/clock';
import { QueryTimeout } from '../engine/engine.errors';
import type { QueryStream } from '../engine/graph-engine';
import { csvOf } from './csv-answers';
import { jsonAnswer } from './query-answers';
import { rowsOf } from './row-batches';
import { ndjsonAnswer, sseAnswer } from './stream-answers';

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

const options = { graphId: 'kg00000000000000000000', maxBytes: 1_000, now: new Date(0), notices: [] };

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
    const lines = (
      await text(ndjsonAnswer(stream, { chunkRows: 2, requestId: 'req_1', clock: new Clock(), notices: [] }))
    ).split('\n');
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

describe('chunks', () => {
  const answer = (chunkRows: number) => ({ chunkRows, requestId: 'req_1', clock: new Clock(), notices: [] });
  const many = () => streamOf([1, 2], [3], [4, 5], [6]);

  it('have as many rows as was asked for', async () => {
    const lines = (await text(ndjsonAnswer(many(), answer(5)))).trim().split('\n');
    const rows = lines.map((line) => (JSON.parse(line) as { rows?: { n: number }[] }).rows?.map(({ n }) => n));
    expect(rows).toEqual([[1, 2, 3, 4, 5], [6], undefined]);
  });

  it('come as server-sent events with the count so far', async () => {
    const frames = (await text(sseAnswer(many(), answer(3)))).trim().split('\n\n');
    const events = frames.map((frame) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame)!;
      return [name, JSON.parse(data)] as [string, object];
    });
    expect(events).toMatchObject([
      ['started', {}],
      ['schema', { columns: ['n'], column_types: ['INT64'] }],
      ['chunk', { chunk_index: 0, rows: [{ n: 1 }, { n: 2 }, { n: 3 }], total_rows_sent: 3 }],
      ['chunk', { chunk_index: 1, rows: [{ n: 4 }, { n: 5 }, { n: 6 }], total_rows_sent: 6 }],
      ['complete', { complete: true, total_rows: 6, truncated: false }],
    ]);
  });

  it.each([
    ['ndjson', ndjsonAnswer, /"error":\{.*"code":"query_timeout"/],
    ['sse', sseAnswer, /event: error\ndata: .*"code":"query_timeout"/],
  ] as const)(
    'of a query that fails half-way end with one problem and a broken connection: %s',
    async (_, make, pattern) => {
      const failing = { ...many(), batches: failAfter(many()), summary: new Promise<never>(() => {}) };
      let seen = '';
      const read = async () => {
        for await (const piece of make(failing, answer(1))) seen += String(piece);
      };
      await expect(read()).rejects.toMatchObject({ code: 'query_timeout' });
      expect(seen).toMatch(pattern);
      expect(seen.match(pattern.source.slice(0, 7))).toHaveLength(1);
      expect(seen).not.toContain('complete');
    },
  );

  it('as CSV break the connection where the query fails', async () => {
    const failing = { ...many(), batches: failAfter(many()) };
    await expect(text(csvOf(failing.columns, rowsOf(failing)))).rejects.toMatchObject({ code: 'query_timeout' });
  });
});

async function* failAfter(stream: QueryStream): AsyncGenerator<{ rows: number; bytes: Buffer }> {
  yield* stream.batches;
  throw new QueryTimeout(5);
}

describe('a CSV answer', () => {
  it('quotes what needs it, tells absent from empty, and writes nested values as JSON', async () => {
    const rows = '{"a":"x,y","b":null,"c":[1,"2"]},{"a":"","b":"say \\"hi\\"\\n","c":{"d":true}}';
    async function* batches() {
      yield await Promise.resolve({ rows: 2, bytes: Buffer.from(rows) });
    }
    const columns = ['a', 'b', 'c'].map((name) => ({ name, type: 'STRING' }));
    expect(await text(csvOf(columns, rowsOf({ ...streamOf(), columns, batches: batches() })))).toBe(
      'a,b,c\r\n"x,y",,"[1,""2""]"\r\n"","say ""hi""\n","{""d"":true}"\r\n',
    );
  });
});
