import type { Connection, QueryResult } from '@ladybugdb/core';
import { Lane, Lanes } from './lanes';

const STATEMENT = 'MATCH (a {id: $id}) RETURN a';
const INTERRUPTED = new Error('Interrupted.');

/** An engine whose statements take what the test says, and which notes by which way they came and with what timeout. */
class FakeConnection {
  readonly runs: string[] = [];
  executionTime = 0.1;
  inline: () => QueryResult = () => this.result();
  private timeoutMs = 0;

  setQueryTimeout(ms: number): void {
    this.timeoutMs = ms;
  }

  prepare(): Promise<object> {
    return Promise.resolve({ isSuccess: () => true, isReadOnly: () => true });
  }

  execute(): Promise<QueryResult> {
    this.runs.push(`handed over, ${this.timeoutMs} ms`);
    return Promise.resolve(this.result());
  }

  executeSync(): QueryResult {
    this.runs.push(`inline, ${this.timeoutMs} ms`);
    return this.inline();
  }

  private result(): QueryResult {
    const { executionTime } = this;
    const result = { getQuerySummarySync: () => ({ executionTime }), getAllSync: () => [], close: () => undefined };
    return result as unknown as QueryResult;
  }
}

describe('lanes', () => {
  const run = (lanes: Lanes): QueryResult | undefined => lanes.runInline(STATEMENT, {}, 5_000);
  const handOver = (lanes: Lanes) => lanes.use(STATEMENT, 1_000, (lane) => lane.execute(STATEMENT, {}, 5_000));

  /** One lane that has run the statement once, whose judgement (two statements of the guard's own) is over. */
  async function used(connection: FakeConnection): Promise<Lanes> {
    const lanes = new Lanes([new Lane(connection as unknown as Connection)]);
    await handOver(lanes);
    connection.runs.length = 0;
    return lanes;
  }

  it('run a statement inline once it is known to be quick, and never before', async () => {
    const connection = new FakeConnection();
    expect(run(new Lanes([new Lane(connection as unknown as Connection)]))).toBeUndefined();
    const lanes = await used(connection);
    expect(run(lanes)).toBeDefined();
    expect(connection.runs).toEqual(['inline, 10 ms']);
  });

  it('hand a statement over that takes long', async () => {
    const connection = new FakeConnection();
    connection.executionTime = 3;
    const lanes = await used(connection);
    expect(run(lanes)).toBeUndefined();
    expect(connection.runs).toEqual([]);
  });

  it('hand a quick statement over that takes long this time, and after it until it was quick again', async () => {
    const connection = new FakeConnection();
    const lanes = await used(connection);
    connection.inline = () => {
      throw INTERRUPTED;
    };
    expect(run(lanes)).toBeUndefined();
    expect(run(lanes)).toBeUndefined();
    await handOver(lanes);
    connection.inline = () => ({ close: () => undefined }) as QueryResult;
    expect(run(lanes)).toBeDefined();
    expect(connection.runs).toEqual(['inline, 10 ms', 'handed over, 5000 ms', 'inline, 10 ms']);
  });

  it("let a quick statement's own failure through", async () => {
    const connection = new FakeConnection();
    const lanes = await used(connection);
    connection.inline = () => {
      throw new Error('Overflow exception');
    };
    expect(() => run(lanes)).toThrow('Overflow exception');
  });

  it('run nothing inline on a connection that is busy', async () => {
    const lanes = await used(new FakeConnection());
    let end!: () => void;
    const busy = lanes.use('', 1_000, () => new Promise<void>((resolve) => (end = resolve)));
    expect(run(lanes)).toBeUndefined();
    end();
    await busy;
    expect(run(lanes)).toBeDefined();
  });
});
