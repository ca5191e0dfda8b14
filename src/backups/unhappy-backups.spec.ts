import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { PlatformConfig } from '../config/platform.config';
import { GraphUnreadable, StorageFull } from '../engine/engine.errors';
import { type GenerationManifest, GraphEngine } from '../engine/graph-engine';
import { BYTES_PER_GB } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import { type ListedObject, ObjectStore } from '../storage/object-store';
import { ALL_BACKUPS } from './backup.entity';

type Body = Record<string, unknown>;
type Method = 'readApart' | 'adopt' | 'build';

/** With a worker of its own and the real engine, in one process, so that things can go wrong at the step that is meant. */
describe('when a backup or a restore does not go well', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;
  let engine: GraphEngine;
  let store: ObjectStore;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = {
      ROLES: 'api,worker,sensors,engine',
      BACKUP_SWEEP_SECONDS: '1',
      BACKUP_RETENTION_CHECK_SECONDS: '1',
      GENERATION_COLLECT_SECONDS: '1',
      GENERATION_KEEP_HOURS: '0',
      GENERATION_DRAIN_SECONDS: '0',
      TIER_LIMITS: JSON.stringify({ 'ladybug-standard': { backups_per_day: 1_000 } }),
    };
    api = await ApiApp.start(database.url, settings);
    user = await api.user();
    engine = api.get(GraphEngine);
    store = api.get(ObjectStore);
  }, 90_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    const made = await ended('POST /v1/graphs', { metadata: { graph_name: 'people' }, custom_schema: PEOPLE });
    graph = made.graph_id as string;
    await addPeople(1, 2, 3);
  }, 60_000);
  afterEach(() => jest.restoreAllMocks());

  const call = async (route: string, body?: object): Promise<Body & { http: number }> => {
    const answer = await api.call(route, user, body, { prefer: 'wait=0' });
    return { ...answer.json<Body>(), http: answer.statusCode };
  };
  const ended = async (route: string, body?: object): Promise<Body> => {
    const { operation_id: id, ...refusal } = await call(route, body);
    if (id === undefined) throw new Error(JSON.stringify(refusal));
    return end(id as string);
  };
  const end = async (id: string): Promise<Body> => {
    for (;;) {
      const operation = await call(`GET /v1/operations/${id}/status`);
      if (['completed', 'failed', 'cancelled'].includes(operation.status as string)) return operation;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const addPeople = async (...ids: number[]): Promise<void> => {
    const nodes = ids.map((id) => ({ label: 'Person', properties: { id, name: `Person ${id}` } }));
    const relationships = ids.map((id) => ({ type: 'KNOWS', from: id, to: 1 }));
    expect(await ended(`POST /v1/graphs/${graph}/rows`, { nodes, relationships })).toMatchObject({
      status: 'completed',
      error: null,
    });
  };
  const at = (rest = '') => `/v1/graphs/${graph}/backups${rest}`;
  const make = (format = 'full_dump') => ended(`POST ${at()}`, { backup_format: format });
  const made = async (format = 'full_dump'): Promise<string> => {
    const { status, result } = await make(format);
    expect(status).toBe('completed');
    return (result as Body).backup_id as string;
  };
  const restore = (backupId: string) => ended(`POST ${at(`/${backupId}/restore`)}`, { create_system_backup: false });
  const count = async (of = graph): Promise<unknown> => {
    const query = 'MATCH (p:Person) OPTIONAL MATCH (p)-[k:KNOWS]->() RETURN count(DISTINCT p.id) AS p, count(k) AS k';
    return (await call(`POST /v1/graphs/${of}/query`, { query })).data;
  };
  const live = async (): Promise<unknown> => {
    const { generation, sha256 } = await call(`GET /v1/graphs/${graph}/info`);
    return [generation, sha256, await count()];
  };
  const objects = async (): Promise<ListedObject[]> => {
    const found: ListedObject[] = [];
    for await (const object of store.list(`${ALL_BACKUPS}${graph}/`)) found.push(object);
    return found;
  };
  const names = (...path: string[]): string[] => {
    try {
      return readdirSync(api.get(PlatformConfig).path(...path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  };
  /** Nothing in the store but `kept` backups, no scratch space, no lock; once the sensors have looked. */
  const expectTidy = async (kept: number): Promise<void> => {
    await until(async () => (await objects()).length === 2 * kept && names('work').length === 0);
    expect(await api.sql('select 1 from operation_lock where resource = $1', [`graph:${graph}`])).toEqual([]);
    const { backups } = await call(`GET ${at('?status=in_progress')}`);
    expect(backups).toEqual([]);
    const kept_generations = 'select number from generation where graph_id = $1 and status = any ($2)';
    const folders = async () => (await api.sql(kept_generations, [graph, '{live,retired}'])).length;
    await until(async () => names('graphs', graph).length === (await folders()));
  };
  /** The next call of a method of the engine waits until it is cancelled. */
  const reached = (method: Method): Promise<void> =>
    new Promise((begun) =>
      jest.spyOn(engine, method).mockImplementationOnce((...given: unknown[]) => {
        const { signal } = given.at(-1) as { signal: AbortSignal };
        return new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          begun();
        });
      }),
    );
  const failing = (method: Method): void => void jest.spyOn(engine, method).mockRejectedValueOnce(new StorageFull());
  /** The store has no room any more when it has some of the next object. */
  const fillStore = (): void => {
    const put = store.put.bind(store);
    jest.spyOn(store, 'put').mockImplementationOnce((key, body, options) => {
      const half = async function* (): AsyncGenerator<Buffer> {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          yield chunk;
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        }
      };
      return put(key, Readable.from(half(), { objectMode: false }), options);
    });
  };
  /** There is no room for what the engine is to open when half of it is there. */
  const fillDisk = (): void => {
    const adopt = engine.adopt.bind(engine);
    jest.spyOn(engine, 'adopt').mockImplementationOnce((target, _, options) =>
      adopt(
        target,
        async (directory) => {
          writeFileSync(join(directory, 'half'), 'half');
          return Promise.reject<string>(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
        },
        options,
      ),
    );
  };

  it('for a full disk at any step, a backup leaves nothing, and a retry makes it', async () => {
    const steps: [string, () => void][] = [
      ['full_dump', fillStore],
      ['full_dump', fillDisk],
      ['parquet', () => failing('readApart')],
      ['json', fillStore],
    ];
    for (const [format, breakIt] of steps) {
      breakIt();
      const failed = await make(format);
      expect([format, failed]).toMatchObject([format, { status: 'failed', error: { code: 'storage_full' } }]);
      await expectTidy(0);
      jest.restoreAllMocks();
      const retried = await ended(`POST /v1/operations/${failed.operation_id as string}/retry`);
      expect(retried).toMatchObject({ status: 'completed', result: { node_count: 3, relationship_count: 3 } });
      const { backup_id: id } = retried.result as { backup_id: string };
      expect(await call(`DELETE ${at(`/${id}`)}`)).toMatchObject({ http: 200 });
    }
    expect(await call(`GET ${at('/stats')}`)).toMatchObject({ total_backups: 0 });
  }, 180_000);

  it('because the backups of a graph have all the room that its tier gives them, the one too many leaves nothing', async () => {
    const first = await made();
    const GB = api.get(TierTable).of('ladybug-standard').backup_gb * BYTES_PER_GB;
    const room = (left: number) => api.sql('update backup set stored_bytes = $2 where id = $1', [first, GB - left]);
    const refused = { code: 'backup_storage_limit_reached' };
    await room(0);
    expect(await call(`POST ${at()}`, {})).toMatchObject({ http: 413, ...refused, limit_gb: 10, used_bytes: GB });
    // Room for some of it: how large it is shows when it is made.
    await room(100);
    for (const format of ['full_dump', 'parquet'])
      expect(await make(format)).toMatchObject({ status: 'failed', error: refused });
    await expectTidy(1);
    // What makes a restore safe is made all the same.
    const restored = await ended(`POST ${at(`/${first}/restore`)}`, { create_system_backup: true });
    expect(restored).toMatchObject({ status: 'completed' });
    await expectTidy(2);
    await room(GB);
    await made();
  }, 180_000);

  it('for a full disk at any step, a restore leaves what is live, and a retry restores', async () => {
    const [dump, rows] = [await made(), await made('parquet')];
    await addPeople(4);
    const before = await live();
    const steps: [string, () => void][] = [
      [dump, fillDisk],
      [rows, () => failing('build')],
    ];
    for (const [backupId, breakIt] of steps) {
      breakIt();
      const failed = await restore(backupId);
      expect(failed).toMatchObject({
        status: 'failed',
        error: { code: 'restore_failed', details: { cause_code: 'storage_full' } },
      });
      expect(await live()).toEqual(before);
      await expectTidy(2);
      jest.restoreAllMocks();
    }
    expect(await restore(rows)).toMatchObject({ status: 'completed', result: { node_count: 3 } });
    expect(await count()).toEqual([{ p: 3, k: 3 }]);
    await expectTidy(2);
  }, 180_000);

  it.each([
    ['full_dump', 'adopt'],
    ['parquet', 'readApart'],
  ] as const)(
    'by a cancel, a backup as %s leaves nothing',
    async (format, step) => {
      const working = reached(step);
      const { operation_id: id, backup_id: backupId } = await call(`POST ${at()}`, { backup_format: format });
      await working;
      // Neither can one that is being made be removed, nor restored.
      expect(await call(`DELETE ${at(`/${backupId as string}`)}`)).toMatchObject({ http: 409 });
      expect(await call(`POST ${at(`/${backupId as string}/restore`)}`, {})).toMatchObject({ http: 409 });
      expect((await api.call(`DELETE /v1/operations/${id as string}`, user)).statusCode).toBeLessThan(300);
      expect(await end(id as string)).toMatchObject({ status: 'cancelled' });
      expect(await call(`GET ${at(`/${backupId as string}`)}`)).toMatchObject({ status: 'failed', restorable: false });
      await expectTidy(0);
    },
    120_000,
  );

  it.each([
    ['full_dump', 'adopt'],
    ['json', 'build'],
  ] as const)(
    'by a cancel, a restore of one as %s leaves what is live',
    async (format, step) => {
      const backupId = await made(format);
      await addPeople(4);
      const before = await live();
      const working = reached(step);
      const path = `POST ${at(`/${backupId}/restore`)}`;
      const { operation_id: id } = await call(path, { create_system_backup: false });
      await working;
      expect(await call(path, {})).toMatchObject({ http: 409 });
      expect((await api.call(`DELETE /v1/operations/${id as string}`, user)).statusCode).toBeLessThan(300);
      expect(await end(id as string)).toMatchObject({ status: 'cancelled' });
      expect(await live()).toEqual(before);
      await expectTidy(1);
      expect(await restore(backupId)).toMatchObject({ status: 'completed', result: { node_count: 3 } });
    },
    120_000,
  );

  it.each([
    ['full_dump', 'files'],
    ['parquet', 'readApart'],
  ] as const)(
    'and others publish meanwhile, a backup as %s is of one moment',
    async (format, step) => {
      const { generation } = await call(`GET /v1/graphs/${graph}/info`);
      let goOn = (): void => undefined;
      const waiting = new Promise<void>((resolve) => (goOn = resolve));
      const real = engine[step].bind(engine) as (...given: unknown[]) => Promise<never>;
      const working = new Promise<void>((begun) =>
        jest.spyOn(engine, step).mockImplementationOnce(async (...given: unknown[]) => {
          begun();
          await waiting;
          return real(...given);
        }),
      );
      const { operation_id: id } = await call(`POST ${at()}`, { backup_format: format });
      await working;
      // What the backup reads is neither live then nor the one before, and nobody else keeps it.
      for (const more of [4, 5, 6]) await addPeople(more);
      const next = 'select status from generation where graph_id = $1 and number = $2';
      await until(async () => (await api.sql(next, [graph, (generation as number) + 1]))[0].status === 'collected');
      goOn();
      const { status, result } = await end(id as string);
      expect([status, result]).toMatchObject(['completed', { generation, node_count: 3, relationship_count: 3 }]);
      expect(await count()).toEqual([{ p: 6, k: 6 }]);
      const { backup_id: backupId } = result as { backup_id: string };
      expect(await restore(backupId)).toMatchObject({ status: 'completed' });
      expect(await count()).toEqual([{ p: 3, k: 3 }]);
    },
    120_000,
  );

  it('because the engine cannot open what an older one has written, it is said how to come over; rows come over', async () => {
    const [dump, rows] = [await made(), await made('parquet')];
    const before = await live();
    const adopt = engine.adopt.bind(engine);
    jest.spyOn(engine, 'adopt').mockImplementationOnce(async (target, place, options): Promise<GenerationManifest> => {
      await adopt(target, place, options);
      await engine.drop(target);
      throw new GraphUnreadable();
    });
    const refused = await restore(dump);
    expect(refused).toMatchObject({ status: 'failed', error: { details: { cause_code: 'backup_not_restorable' } } });
    expect(JSON.stringify(refused)).toMatch(/made by ladybug [\d.]+ \(storage version \d+\).*parquet/);
    expect(await live()).toEqual(before);
    // What it was made by does not matter to rows.
    const other = `{"engine_version": "0.1.0", "storage_version": 1}`;
    await api.sql(`update backup set manifest = manifest || $2::jsonb where id = $1`, [rows, other]);
    await addPeople(4);
    expect(await restore(rows)).toMatchObject({ status: 'completed', result: { node_count: 3 } });
    // A manifest from the future is not guessed at.
    await api.sql(`update backup set manifest = manifest || '{"manifest_version": 99}' where id = $1`, [rows]);
    expect(await call(`POST ${at(`/${rows}/restore`)}`, {})).toMatchObject({
      http: 409,
      code: 'backup_not_restorable',
    });
  }, 120_000);

  it('because the process ended between the rows and the bytes of what expired, the sweep removes these', async () => {
    const backups = [await made(), await made('json'), await made()];
    const expired = new Promise<void>((begun) =>
      jest.spyOn(store, 'deletePrefix').mockImplementation(() => {
        begun();
        return Promise.reject(new Error('the process ended'));
      }),
    );
    await api.sql(`update backup set expires_at = now() - interval '1 second' where id = any ($1)`, [backups]);
    await expired;
    // Of two full dumps the newer one stays, as the newest that was proven.
    expect(await call(`GET ${at()}`)).toMatchObject({ total_count: 1, backups: [{ backup_id: backups[2] }] });
    await expectTidy(1);
    expect(await restore(backups[2])).toMatchObject({ status: 'completed' });
  }, 120_000);

  it('because rows are missing in an export, or others than were counted, it is not taken for whole', async () => {
    const readApart = engine.readApart.bind(engine);
    jest
      .spyOn(engine, 'readApart')
      .mockImplementationOnce((source, work, options) =>
        readApart(
          source,
          (query) => work((request) => query({ ...request, statement: `${request.statement} LIMIT 2` })),
          options,
        ),
      );
    expect(await make('json')).toMatchObject({ status: 'failed', error: { code: 'graph_unreadable' } });
    await expectTidy(0);
    const backupId = await made('json');
    await api.sql(`update backup set manifest = jsonb_set(manifest, '{tables,0,rows}', '7') where id = $1`, [backupId]);
    expect(await ended(`POST ${at(`/${backupId}/verify`)}`)).toMatchObject({
      status: 'failed',
      error: { code: 'backup_damaged' },
    });
    expect(await call(`GET ${at(`/${backupId}`)}`)).toMatchObject({ restorable: false });
  }, 120_000);
});
