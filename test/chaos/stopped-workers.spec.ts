import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { gate, type OperationsWorld, TEST_ACTOR } from '../support/operations-world';
import { flawsOf } from './leftovers';
import { AT_ONCE, ManyWork, startWorld, writeMuch } from './many-work';
import { chaos, LONG } from './seed';

const ROUNDS = LONG ? 20 : 1;
const ROUND_MS = 60_000;

/** Lines that a worker has said. */
class WorkerProcess {
  output = '';
  private constructor(readonly process: ChildProcess) {}

  static async start(url: string): Promise<WorkerProcess> {
    const [run, worker] = ['run-ts.cjs', 'many-worker.ts'].map((name) => join(__dirname, name));
    const child = spawn(process.execPath, [run, worker, url], { stdio: ['ignore', 'pipe', 'inherit'] });
    const made = new WorkerProcess(child);
    child.stdout.on('data', (chunk: Buffer) => (made.output += chunk.toString()));
    await eventually(
      'the worker is ready',
      () => made.output,
      (output) => output.includes('ready\n'),
    );
    return made;
  }

  count(word: string): number {
    return this.output.split('\n').filter((line) => line.startsWith(word)).length;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }
}

describe('a worker that is stopped past its leases and continued', () => {
  let database: TestDatabase;
  let api: OperationsWorld;

  beforeAll(async () => {
    database = await testDatabase();
    api = await startWorld(database.url, 'api,sensors', async () => ({}));
    await api.query(
      `create table chaos_write (operation_id text, attempt int, current_attempt int,
         written_at timestamptz default clock_timestamp())`,
    );
  }, 30_000);

  afterAll(async () => {
    await api?.close();
    await database?.drop();
  });

  const begin = (): Promise<string[]> =>
    Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        api.tx
          .run((em) =>
            api.operations.begin(em, ManyWork, { actor: TEST_ACTOR, orgId: null, graphId: null, payload: {} }),
          )
          .then(({ id }) => id),
      ),
    );

  chaos(
    `writes nothing for its ${AT_ONCE} operations, which others have taken over`,
    async (chance) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const stopped = await WorkerProcess.start(database.url);
        const release = gate();
        let other: OperationsWorld | undefined;
        try {
          const ids = await begin();
          for (const id of ids) await api.until(id, ({ status }) => status === 'running');
          await delay(chance.between(0, 300));
          stopped.process.kill('SIGSTOP');
          // Half of them are over when the stopped worker comes back, the others are still at work.
          const quick = new Set(chance.sample(ids, AT_ONCE / 2));
          other = await startWorld(database.url, 'worker', async (ctx) => {
            if (!quick.has(ctx.operationId)) await release.promise;
            return writeMuch(ctx, 3);
          });
          for (const id of ids) await api.until(id, ({ attempt }) => attempt === 2, 20_000);
          for (const id of quick) await api.ended(id);
          stopped.process.kill('SIGCONT');
          await eventually(
            'the old attempts have been refused',
            () => stopped.count('refused'),
            (n) => n === AT_ONCE,
          );
          release.open();
          for (const id of ids) {
            expect(await api.ended(id)).toMatchObject({ status: 'completed', attempt: 2, result: { attempt: 2 } });
            expect(await flawsOf(database.url, id)).toEqual([]);
            await expectOrderlyEvents(id);
          }
          expect(stopped.count('ended')).toBe(0);
          expect(await api.query('select * from chaos_write where attempt <> current_attempt')).toEqual([]);
          const late = `select w.* from chaos_write w join operation_attempt a on a.operation_id = w.operation_id
            and a.attempt > w.attempt where w.written_at > a.started_at`;
          expect(await api.query(late)).toEqual([]);
        } finally {
          await stopped.kill();
          release.open();
          await other?.close();
        }
      }
    },
    ROUNDS * ROUND_MS,
  );

  /** After the start of an attempt, nothing is heard of the one before. */
  async function expectOrderlyEvents(id: string): Promise<void> {
    let current = 0;
    for (const { type, data } of await api.events(id)) {
      if (type === 'operation_started') current = data.attempt as number;
      if (type === 'operation_progress') expect(data.message).toBe(`attempt ${current}`);
    }
  }
});
