import type { LightMyRequestResponse } from 'fastify';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { ApiKeysService } from '../auth/api-keys.service';
import { GraphsService } from '../graphs/graphs.service';
import { IdempotencyKeys } from './idempotency-keys';

const KEYS = 'POST /v1/user/api-keys';
const GRAPHS = 'POST /v1/graphs';
const graph = (name: string): object => ({ metadata: { graph_name: name } });

describe('a request with an Idempotency-Key', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
  }, 60_000);
  beforeEach(async () => {
    user = await api.user();
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const send = (route: string, body: object, key: string, by = user, through = api): Promise<LightMyRequestResponse> =>
    through.call(route, by, body, { 'idempotency-key': key });
  const codeOf = (response: LightMyRequestResponse): unknown[] => [
    response.statusCode,
    response.json<{ code?: string }>().code,
  ];
  const replayed = (response: LightMyRequestResponse): boolean => response.headers['idempotency-replayed'] === 'true';
  const graphsOf = async (by = user): Promise<number> =>
    (await api.sql('select from graph where org_id = $1', [by.orgId])).length;
  const keysOf = async (): Promise<number> =>
    (await api.sql('select from api_key where user_id = $1', [user.id])).length;

  /** Has the next call of a method do something around its own work. */
  function around<T extends object, M extends keyof T>(
    service: T,
    method: M,
    wrap: (work: () => Promise<unknown>) => Promise<unknown>,
  ): void {
    const original = service[method] as (...args: unknown[]) => Promise<unknown>;
    jest
      .spyOn(service as Record<M, typeof original>, method as never)
      .mockImplementationOnce(((...args: unknown[]) => wrap(() => original.apply(service, args))) as never);
  }

  /** Holds the next creation of a graph at its very start, until it is let go. */
  function held(): { arrived: Promise<void>; open: () => void } {
    let open!: () => void;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const arrived = new Promise<void>((resolve) => {
      around(api.get(GraphsService), 'requestCreation', async (work) => {
        resolve();
        await opened;
        return work();
      });
    });
    return { arrived, open };
  }

  it('gets the first answer again, status and body, and does nothing twice', async () => {
    const first = await send(GRAPHS, graph('one'), 'key');
    const second = await send(GRAPHS, graph('one'), 'key');
    expect([first.statusCode, replayed(first)]).toEqual([202, false]);
    expect([second.statusCode, replayed(second)]).toEqual([202, true]);
    expect(second.body).toBe(first.body);
    expect(await graphsOf()).toBe(1);
  });

  it('is heeded by a deletion: who did not hear the answer is not told that it is under way, or that there is no such thing', async () => {
    const { graph_id: id } = (await send(GRAPHS, graph('one'), 'key')).json<{ graph_id: string }>();
    await api.sql(`update graph set status = 'active' where id = $1`, [id]);
    await api.sql('delete from operation_lock where resource = $1', [`graph:${id}`]);
    const first = await send(`DELETE /v1/graphs/${id}`, {}, 'key');
    const second = await send(`DELETE /v1/graphs/${id}`, {}, 'key');
    expect([first.statusCode, replayed(first)]).toEqual([202, false]);
    expect([second.statusCode, replayed(second), second.body]).toEqual([202, true, first.body]);
    expect(codeOf(await send(`DELETE /v1/graphs/${id}`, {}, 'another'))).toEqual([409, 'operation_in_progress']);
  });

  it('is refused with another body or query, or a key that is none', async () => {
    await send(GRAPHS, graph('one'), 'key');
    expect(codeOf(await send(GRAPHS, graph('two'), 'key'))).toEqual([422, 'idempotency_key_reused']);
    expect(codeOf(await send(`${GRAPHS}?a=1`, graph('one'), 'key'))).toEqual([422, 'idempotency_key_reused']);
    for (const key of ['', 'with blank', 'x'.repeat(256)]) {
      expect(codeOf(await send(GRAPHS, graph('one'), key))).toEqual([422, 'invalid_request']);
    }
    expect((await send(GRAPHS, graph('one'), 'x'.repeat(255))).statusCode).toBe(202);
    expect(await graphsOf()).toBe(2);
  });

  it('has nothing to do with the same key of another user or on another route', async () => {
    const other = await api.user();
    await send(GRAPHS, graph('one'), 'key');
    expect(replayed(await send(GRAPHS, graph('one'), 'key', other))).toBe(false);
    expect((await send('POST /v1/orgs', { name: 'Further' }, 'key')).statusCode).toBe(201);
    expect((await send(KEYS, { name: 'ci' }, 'key')).statusCode).toBe(201);
    expect([await graphsOf(), await graphsOf(other), await keysOf()]).toEqual([1, 1, 1]);
  });

  it('is carried out once when it comes a hundred times at once, to two processes', async () => {
    const twin = await ApiApp.start(database.url);
    try {
      const sendings = Array.from({ length: 100 }, (_, i) =>
        send(GRAPHS, graph('one'), 'key', user, i % 2 === 0 ? api : twin),
      );
      const answers = await Promise.all(sendings);
      const done = answers.filter(({ statusCode }) => statusCode === 202);
      expect(new Set(done.map(({ body }) => body)).size).toBe(1);
      expect(done.filter((answer) => !replayed(answer))).toHaveLength(1);
      for (const refused of answers.filter(({ statusCode }) => statusCode !== 202)) {
        expect(codeOf(refused)).toEqual([409, 'idempotency_in_progress']);
        expect(refused.headers['retry-after']).toBe('1');
      }
      expect((await send(GRAPHS, graph('one'), 'key', user, twin)).body).toBe(done[0].body);
      expect(await graphsOf()).toBe(1);
      expect(await api.sql('select from operation where user_id = $1', [user.id])).toHaveLength(1);
    } finally {
      await twin.stop();
    }
  }, 60_000);

  it('shows a new API key again to who has the Idempotency-Key, and to nobody who has the database', async () => {
    const idempotencyKey = '0f4e2c7a-long-and-not-guessable';
    const first = await send(KEYS, { name: 'ci-deploy-bot' }, idempotencyKey);
    const second = await send(KEYS, { name: 'ci-deploy-bot' }, idempotencyKey);
    expect([second.statusCode, replayed(second), second.body]).toEqual([201, true, first.body]);
    expect(await keysOf()).toBe(1);
    const { key } = first.json<{ key: string }>();
    const [row] = await api.sql<Record<string, unknown>>('select * from idempotency_key where user_id = $1', [user.id]);
    const stored = Object.values(row).map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value))));
    for (const secret of [key, idempotencyKey, 'ci-deploy-bot']) {
      expect(stored.some((value) => value.includes(secret))).toBe(false);
    }
    expect((row.answer as Buffer).length).toBeGreaterThan(100);
  });

  it('does not use its key up where it is refused', async () => {
    expect(codeOf(await send(GRAPHS, graph(''), 'key'))).toEqual([422, 'invalid_request']);
    expect((await send(GRAPHS, graph('one'), 'key')).statusCode).toBe(202);
    const email = 'late@example.org';
    const invite = (): Promise<LightMyRequestResponse> => send(`POST /v1/orgs/${user.orgId}/members`, { email }, 'key');
    expect((await invite()).statusCode).toBe(404);
    await api.sql('update app_user set email = $2 where id = $1', [(await api.user()).id, email]);
    expect((await invite()).statusCode).toBe(201);
    expect(replayed(await invite())).toBe(true);
  });

  it('may be sent again after a failure of ours that left nothing behind', async () => {
    around(api.get(GraphsService), 'requestCreation', () => Promise.reject(new Error('the database is away')));
    expect((await send(GRAPHS, graph('one'), 'key')).statusCode).toBe(500);
    expect((await send(GRAPHS, graph('one'), 'key')).statusCode).toBe(202);
    expect(await graphsOf()).toBe(1);
  });

  it('waits for its turn while the first sending is at it', async () => {
    const { arrived, open } = held();
    const first = send(GRAPHS, graph('one'), 'key');
    await arrived;
    const early = await send(GRAPHS, graph('one'), 'key');
    expect(codeOf(early)).toEqual([409, 'idempotency_in_progress']);
    expect(early.headers['retry-after']).toBe('1');
    expect(codeOf(await send(GRAPHS, graph('two'), 'key'))).toEqual([422, 'idempotency_key_reused']);
    open();
    const { body } = await first;
    expect((await send(GRAPHS, graph('one'), 'key')).body).toBe(body);
  });

  it('cannot commit after its lease has ended and another sending took over', async () => {
    const { arrived, open } = held();
    const first = send(GRAPHS, graph('one'), 'key');
    await arrived;
    await api.sql(`update idempotency_key set lease_expires_at = now() - interval '1 s' where user_id = $1`, [user.id]);
    const second = await send(GRAPHS, graph('one'), 'key');
    expect([second.statusCode, replayed(second)]).toEqual([202, false]);
    open();
    expect(codeOf(await first)).toEqual([409, 'idempotency_in_progress']);
    expect(await graphsOf()).toBe(1);
    expect((await send(GRAPHS, graph('one'), 'key')).body).toBe(second.body);
  });

  it('finds its operation where the answer was lost after the commit', async () => {
    around(api.get(GraphsService), 'requestCreation', async (work) => {
      await work();
      throw new Error('dead');
    });
    expect((await send(GRAPHS, graph('one'), 'key')).statusCode).toBe(500);
    const again = await send(GRAPHS, graph('one'), 'key');
    expect([again.statusCode, replayed(again)]).toEqual([202, true]);
    const [operation] = await api.sql<{ id: string; graph_id: string }>(
      'select id, graph_id from operation where user_id = $1',
      [user.id],
    );
    expect(again.json()).toMatchObject({ operation_id: operation.id, graph_id: operation.graph_id, status: 'pending' });
    expect(await graphsOf()).toBe(1);
  });

  it('says that it was carried out once where neither answer nor operation is known, and where to look', async () => {
    around(api.get(ApiKeysService), 'create', async (work) => {
      await work();
      throw new Error('dead');
    });
    // A process that dies gives nothing up: its claim ends with its lease.
    around(api.get(IdempotencyKeys), 'giveUp', () => Promise.resolve());
    await send(KEYS, { name: 'ci' }, 'key');
    expect(codeOf(await send(KEYS, { name: 'ci' }, 'key'))).toEqual([409, 'idempotency_in_progress']);
    await api.sql(`update idempotency_key set lease_expires_at = now() where user_id = $1`, [user.id]);
    const again = await send(KEYS, { name: 'ci' }, 'key');
    expect(codeOf(again)).toEqual([409, 'idempotency_outcome_unknown']);
    expect(again.json()).toMatchObject({ look_at: '/v1/user/api-keys', carried_out_at: expect.any(String) as string });
    expect(await keysOf()).toBe(1);
  });

  it('is a new request a day later, and makes room for itself', async () => {
    await send(GRAPHS, graph('one'), 'other');
    await send(GRAPHS, graph('one'), 'key');
    const [{ hours }] = await api.sql<{ hours: string }>(
      `select round(extract(epoch from max(expires_at) - now()) / 3600) as hours from idempotency_key where user_id = $1`,
      [user.id],
    );
    expect(Number(hours)).toBe(24);
    await api.sql(`update idempotency_key set expires_at = now() - interval '1 s' where user_id = $1`, [user.id]);
    expect(replayed(await send(GRAPHS, graph('two'), 'key'))).toBe(false);
    expect(await graphsOf()).toBe(3);
    expect(await api.sql('select from idempotency_key where user_id = $1', [user.id])).toHaveLength(1);
  });

  it('is no longer answered to somebody who lost the right to send it', async () => {
    const owner = await api.user();
    await api.sql(`update org set org_type = 'team' where id = $1`, [owner.orgId]);
    await api.sql(`insert into org_member (org_id, user_id, role) values ($1, $2, 'admin')`, [owner.orgId, user.id]);
    const [{ email }] = await api.sql<{ email: string }>('select email from app_user where id = $1', [
      (await api.user()).id,
    ]);
    const invite = (): Promise<LightMyRequestResponse> =>
      send(`POST /v1/orgs/${owner.orgId}/members`, { email }, 'key');
    expect((await invite()).statusCode).toBe(201);
    const left = await api.call(`DELETE /v1/orgs/${owner.orgId}/members/${user.id}`, user);
    expect(left.statusCode).toBe(204);
    expect((await invite()).statusCode).toBe(404);
  });
});
