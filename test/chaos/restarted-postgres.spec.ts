import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres';
import { migrate } from '../../src/database/migrate';
import { eventually } from '../support/eventually';
import { type OperationsWorld, TEST_ACTOR } from '../support/operations-world';
import { flawsOf } from './leftovers';
import { AT_ONCE, ManyWork, startWorld, writeMuch } from './many-work';
import { chaos, LONG } from './seed';
import { Watcher } from './watcher';

const ROUNDS = LONG ? 20 : 1;
const RESTARTS = 2;
const WATCHED = 5;
/** Of each operation: some seconds of work for all of them. */
const WRITES = 40;
const BACK_MS = 60_000;
/** An orderly stop, a stop at once, and a crash. */
const WAYS = ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const;

/** Says why, where a lost connection was told in words that are not known to pass. */
const ATTEMPTS_OF_FAILED = `select o.id, a.attempt, a.error ->> 'class' as class, a.error ->> 'internal_message' as message
  from operation o join operation_attempt a on a.operation_id = o.id where o.status = 'failed'`;

/** A cluster of its own, whose queue is in it; the other tests share one that nobody stops. */
describe('a Postgres that is restarted in the middle of the work', () => {
  let root: string;
  let cluster: EmbeddedPostgres;
  let worlds: OperationsWorld[] = [];

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'gs-restart-'));
    cluster = await EmbeddedPostgres.start(root);
    await migrate(cluster.url());
    const work = (ctx: Parameters<typeof writeMuch>[0]): Promise<object> => writeMuch(ctx, WRITES);
    worlds = [await startWorld(cluster.url(), 'api,sensors', work), await startWorld(cluster.url(), 'worker', work)];
    await worlds[0].query(
      `create table chaos_write (operation_id text, attempt int, current_attempt int,
         written_at timestamptz default clock_timestamp())`,
    );
  }, 60_000);

  afterAll(async () => {
    await Promise.all(worlds.map((world) => world.close()));
    await cluster?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  chaos(
    'loses no operation and no event, and streams go on where they were',
    async (chance) => {
      const [api] = worlds;
      for (let round = 0; round < ROUNDS; round += 1) {
        const ids = await beginMany(api);
        const url = await api.url();
        const watchers = new Map(
          chance.sample(ids, WATCHED).map((id) => [id, new Watcher(`${url}/v1/operations/${id}/stream`)]),
        );
        try {
          for (let restart = 0; restart < RESTARTS; restart += 1) {
            await delay(chance.between(100, 600));
            await restartPostgres(chance.sample(WAYS, 1)[0]);
          }
          await eventually('all have ended', unended, (left) => left === '0', 120_000);
          expect(await api.query(ATTEMPTS_OF_FAILED)).toEqual([]);
          for (const id of ids) {
            expect(await flawsOf(cluster.url(), id)).toEqual([]);
            expect(await api.operations.get(id)).toMatchObject({ status: 'completed' });
          }
          expect(await api.query('select * from chaos_write where attempt <> current_attempt')).toEqual([]);
          for (const [id, watcher] of watchers) {
            await watcher.ended;
            expect(watcher.seen).toEqual((await api.events(id)).map(({ sequence }) => sequence));
          }
        } finally {
          for (const watcher of watchers.values()) watcher.close();
        }
      }
    },
    ROUNDS * 200_000,
  );

  const beginMany = (api: OperationsWorld): Promise<string[]> =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const { id } = await api.tx.run((em) =>
          api.operations.begin(em, ManyWork, { actor: TEST_ACTOR, orgId: null, graphId: null, payload: {} }),
        );
        return id;
      }),
    );

  /** Stops its first process; the platform that owns the cluster notices and starts it again. */
  async function restartPostgres(way: NodeJS.Signals): Promise<void> {
    const before = postmaster();
    process.kill(before, way);
    await eventually('Postgres is back', answers, (pid) => pid !== null && pid !== before, BACK_MS);
  }

  function postmaster(): number {
    return Number(readFileSync(join(root, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** The process that answers now, or null. */
  async function answers(): Promise<number | null> {
    try {
      await ask('select 1');
      return postmaster();
    } catch {
      // Not yet: `eventually` says so when it takes too long.
      return null;
    }
  }

  const unended = (): Promise<string> =>
    ask(`select count(*) as answer from operation where status in ('pending', 'running')`);

  async function ask(sql: string): Promise<string> {
    const client = new Client({ connectionString: cluster.url() });
    // A connection that goes away says so twice; the statement's own error is the one that counts.
    client.on('error', () => {});
    await client.connect();
    try {
      const { rows } = await client.query<{ answer: string }>(sql);
      return rows[0].answer;
    } finally {
      await client.end();
    }
  }
});
