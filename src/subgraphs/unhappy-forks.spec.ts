import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { PlatformConfig } from '../config/platform.config';
import { StorageFull } from '../engine/engine.errors';
import { type BuildSpec, GraphEngine } from '../engine/graph-engine';
import { TierTable } from '../limits/tier-table';
import { ObjectStore } from '../storage/object-store';

type Body = Record<string, unknown>;

const PART = { where: { Person: 'n.id < 3' } };

/** With a worker of its own and the real engine, in one process, so that things can go wrong at the step that is meant. */
describe('a fork', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = {
      ROLES: 'api,worker,sensors,engine',
      GENERATION_COLLECT_SECONDS: '1',
      GENERATION_KEEP_HOURS: '0',
      GENERATION_DRAIN_SECONDS: '0',
    };
    api = await ApiApp.start(database.url, settings);
    user = await api.user();
  }, 90_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    const made = await ended('POST /v1/graphs', { metadata: { graph_name: 'people' }, custom_schema: PEOPLE });
    graph = made.graph_id as string;
    const nodes = [1, 2, 3].map((id) => ({ label: 'Person', properties: { id, name: `Person ${id}` } }));
    const relationships = [{ type: 'KNOWS', from: 1, to: 2 }];
    expect(await ended(`POST /v1/graphs/${graph}/rows`, { nodes, relationships })).toMatchObject({
      status: 'completed',
    });
  }, 60_000);
  afterEach(() => jest.restoreAllMocks());

  const call = async (route: string, body?: object, prefer = 'wait=0'): Promise<Body & { http: number }> => {
    const answer = await api.call(route, user, body, { prefer });
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
  const at = (rest = '') => `/v1/graphs/${graph}/subgraphs${rest}`;
  const wanted = (fork_options?: object, name = 'dev') => ({
    name,
    display_name: name,
    fork_parent: true,
    metadata: { fork_options },
  });
  const fork = (fork_options?: object, name?: string) => ended(`POST ${at()}`, wanted(fork_options, name));
  const count = async (id: string): Promise<unknown> => {
    const query = 'MATCH (p:Person) OPTIONAL MATCH (p)-[k:KNOWS]->() RETURN count(DISTINCT p.id) AS p, count(k) AS k';
    return (await call(`POST /v1/graphs/${id}/query`, { query })).data;
  };
  const actions = async (): Promise<string[]> => {
    const rows = await api.sql<{ action: string; outcome: string; code: string | null }>(
      `select action, outcome, details ->> 'code' as code from audit_event
       where (target = $1 or target = $2) and action like any ('{subgraph.%,graph.deletion%}') order by id`,
      [graph, `${graph}_dev`],
    );
    return rows.map(({ action, outcome, code }) => [action, outcome, ...(code ? [code] : [])].join(' '));
  };
  const folder = (): string[] => {
    try {
      return readdirSync(join(api.get(PlatformConfig).path('graphs', `${graph}_dev`)));
    } catch {
      return [];
    }
  };
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  /** No subgraph, no file and no place; once the sensors have looked where a build was left. */
  const expectNothing = async (): Promise<void> => {
    expect(await call(`GET ${at('/dev/info')}`)).toMatchObject({ code: 'subgraph_not_found' });
    expect(await call(`GET ${at('/quota')}`)).toMatchObject({ current_count: 0 });
    expect(await api.sql('select 1 from operation_lock where resource = $1', [`graph:${graph}_dev`])).toEqual([]);
    expect(await api.sql('select 1 from staged_file where graph_id = $1', [`${graph}_dev`])).toEqual([]);
    await until(() => folder().length === 0);
    expect(await count(graph)).toEqual([{ p: 3, k: 1 }]);
  };
  /** The next build leaves something on the disk, and then there is no more room. */
  const fillDisk = (): void => {
    jest.spyOn(api.get(GraphEngine), 'build').mockImplementationOnce(async ({ target }: BuildSpec) => {
      mkdirSync(target.directory, { recursive: true });
      writeFileSync(join(target.directory, 'half'), 'half');
      throw new StorageFull();
    });
  };

  it('that meets a full disk leaves nothing, whichever step it is at, and says why; a retry makes it', async () => {
    const engine = api.get(GraphEngine);
    const steps: [object | undefined, () => void][] = [
      [undefined, fillDisk],
      [PART, fillDisk],
      [PART, () => void jest.spyOn(engine, 'export').mockRejectedValueOnce(new StorageFull())],
      [
        { include_staging: true },
        () => {
          const store = api.get(ObjectStore);
          const put = store.putFile.bind(store);
          const spy = jest.spyOn(store, 'putFile');
          // Of two files one is there already.
          spy.mockImplementationOnce(put).mockRejectedValueOnce(new StorageFull());
        },
      ],
    ];
    let last: Body = {};
    for (const [options, breakIt] of steps) {
      breakIt();
      last = await fork(options);
      expect(last).toMatchObject({ status: 'failed', error: { code: 'storage_full' } });
      await expectNothing();
      jest.restoreAllMocks();
    }
    expect(await ended(`POST /v1/operations/${last.operation_id as string}/retry`)).toMatchObject({
      status: 'completed',
    });
    expect(await count(`${graph}_dev`)).toEqual([{ p: 3, k: 1 }]);
    expect(await actions()).toEqual([
      ...steps.flatMap(() => ['subgraph.creation_requested success', 'subgraph.creation_failed failure storage_full']),
      'subgraph.forked success',
    ]);
  }, 120_000);

  it('that is cancelled half-way leaves nothing', async () => {
    const building = new Promise<void>((begun) =>
      jest.spyOn(api.get(GraphEngine), 'build').mockImplementationOnce(
        ({ target }, { signal }) =>
          new Promise((_, reject) => {
            mkdirSync(target.directory, { recursive: true });
            signal.addEventListener('abort', () => reject(signal.reason as Error));
            begun();
          }),
      ),
    );
    const { operation_id: id } = await call(`POST ${at()}`, wanted());
    await building;
    // While it is being made, nobody else makes, resets or deletes it.
    expect(await call(`POST ${at()}`, wanted())).toMatchObject({ http: 409, code: 'subgraph_name_taken' });
    expect(await call(`POST ${at('/dev/reset')}`)).toMatchObject({ http: 409 });
    expect(await call(`DELETE ${at('/dev')}`, { force: true })).toMatchObject({ http: 409 });
    expect((await api.call(`DELETE /v1/operations/${id as string}`, user)).statusCode).toBeLessThan(300);
    expect(await end(id as string)).toMatchObject({ status: 'cancelled' });
    await expectNothing();
    expect(await actions()).toEqual([
      'subgraph.creation_requested success',
      'subgraph.creation_requested failure subgraph_name_taken',
      expect.stringMatching(/^subgraph.reset_requested failure /),
      expect.stringMatching(/^graph.deletion_requested failure /),
      'subgraph.creation_failed failure cancelled',
    ]);
  }, 120_000);

  it.each([
    ['all', undefined, 'build' as const, { p: 3, k: 1 }],
    ['a part', PART, 'export' as const, { p: 2, k: 1 }],
  ])(
    'of %s is of one moment, whatever its parent publishes meanwhile',
    async (_, options, step, held) => {
      const engine = api.get(GraphEngine);
      const { generation } = await call(`GET /v1/graphs/${graph}/info`);
      let goOn = (): void => undefined;
      const waiting = new Promise<void>((resolve) => (goOn = resolve));
      const real = engine[step].bind(engine) as (...given: unknown[]) => Promise<never>;
      const reached = new Promise<void>((begun) =>
        jest.spyOn(engine, step).mockImplementationOnce(async (...given: unknown[]) => {
          begun();
          await waiting;
          return real(...given);
        }),
      );
      const { operation_id: id } = await call(`POST ${at()}`, wanted(options));
      await reached;
      // Three publishes: what the fork reads is neither live nor the one before, and nobody keeps it for longer.
      for (const more of [10, 11, 12]) {
        const nodes = [{ label: 'Person', properties: { id: -more, name: 'Late' } }];
        const relationships = [{ type: 'KNOWS', from: -more, to: 1 }];
        const rows = await ended(`POST /v1/graphs/${graph}/rows`, { nodes, relationships });
        expect(rows).toMatchObject({ status: 'completed' });
      }
      // The sensor has removed the one after it, so it would have removed this one, too.
      const next = 'select status from generation where graph_id = $1 and number = $2';
      await until(async () => (await api.sql(next, [graph, (generation as number) + 1]))[0].status === 'collected');
      goOn();
      expect(await end(id as string)).toMatchObject({ status: 'completed', result: { parent_generation: generation } });
      expect(await count(`${graph}_dev`)).toEqual([held]);
      expect(await count(graph)).toEqual([{ p: 6, k: 4 }]);
    },
    120_000,
  );

  it('that its tier does not hold any more is not made, and one that is there is not reset', async () => {
    expect(await fork(undefined)).toMatchObject({ status: 'completed' });
    const tiers = api.get(TierTable);
    const limits = tiers.of('ladybug-standard');
    for (const [lower, code] of [
      [{ nodes: 2 }, 'content_too_large'],
      [{ storage_gb: 0 }, 'storage_limit_reached'],
    ] as const) {
      jest.spyOn(tiers, 'of').mockReturnValue({ ...limits, ...lower });
      expect(await ended(`POST ${at('/dev/reset')}`)).toMatchObject({ status: 'failed', error: { code } });
      expect(await fork(undefined, 'other')).toMatchObject({ status: 'failed', error: { code } });
      jest.restoreAllMocks();
    }
    jest.spyOn(tiers, 'of').mockReturnValue({ ...limits, files_per_graph: 1 });
    expect(await fork({ include_staging: true }, 'other')).toMatchObject({
      status: 'failed',
      error: { code: 'file_limit_reached' },
    });
    jest.restoreAllMocks();
    expect(await call(`GET ${at('/quota')}`)).toMatchObject({ current_count: 1 });
    expect(await count(`${graph}_dev`)).toEqual([{ p: 3, k: 1 }]);
  }, 120_000);

  it('that cannot be reset, for a full disk or by a cancel, stays as it is; then it is reset once', async () => {
    expect(await fork(PART)).toMatchObject({ status: 'completed' });
    const info = async () => {
      const { lineage, expires_at: expiry } = await call(`GET ${at('/dev/info')}`);
      return [expiry, (lineage as Body).generation];
    };
    expect(await call(`PATCH ${at('/dev')}`, { expires_at: '2100-01-01T00:00:00Z' })).toMatchObject({ http: 200 });
    const before = await info();
    fillDisk();
    const failed = await ended(`POST ${at('/dev/reset')}`);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'storage_full' } });
    expect(await count(`${graph}_dev`)).toEqual([{ p: 2, k: 1 }]);
    expect(await info()).toEqual(before);
    await until(() => folder().length === 1);
    expect(await ended(`POST /v1/operations/${failed.operation_id as string}/retry`)).toMatchObject({
      status: 'completed',
    });
    expect((await info())[0]).toBe(before[0]);
    expect((await info())[1]).toBeGreaterThan(before[1] as number);
    expect(await call(`POST ${at('/none/reset')}`)).toMatchObject({ http: 404 });
    expect((await actions()).filter((action) => action.startsWith('subgraph.reset'))).toEqual([
      'subgraph.reset_requested success',
      'subgraph.reset_failed failure storage_full',
      'subgraph.reset success',
      'subgraph.reset_requested failure subgraph_not_found',
    ]);
  }, 120_000);

  it('and others for the last places at once: as many are made as there is room', async () => {
    const names = Array.from({ length: 6 }, (_, n) => `n${n}`);
    const answers = await Promise.all(names.map((name) => call(`POST ${at()}`, wanted(undefined, name))));
    const begun = answers.filter(({ http }) => http === 200);
    expect([begun.length, answers.filter(({ code }) => code === 'subgraph_limit_reached').length]).toEqual([3, 3]);
    for (const { operation_id: id } of begun) expect(await end(id as string)).toMatchObject({ status: 'completed' });
    expect(await call(`GET ${at('/quota')}`)).toMatchObject({ current_count: 3, remaining: 0 });
  }, 120_000);
});
