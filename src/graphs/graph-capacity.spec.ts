import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { Transactor } from '../database/transactor';
import { AttemptsRepository } from '../jobs/attempts.repository';
import { GraphCapacity } from './graph-capacity';
import { GraphCreationQueueSensor } from './graph-creation-queue.sensor';

const SLOTS = 2;

interface Begun {
  operation_id: string;
  graph_id: string;
  status: string;
  message: string;
}

/** No worker runs here: what is begun stays pending, and no sensor looks by itself. */
describe('places for graphs in a tier', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;

  beforeEach(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { TIER_LIMITS: JSON.stringify({ 'ladybug-standard': { slots: SLOTS } }) });
    user = await api.user();
  }, 60_000);
  afterEach(async () => {
    await api?.stop();
    await database?.drop();
  });

  const create = async (tier = 'ladybug-standard', who = user): Promise<Begun> => {
    const body = { metadata: { graph_name: 'g' }, custom_schema: PEOPLE, instance_tier: tier };
    const answer = await api.call('POST /v1/graphs', who, body);
    expect(answer.statusCode).toBe(202);
    return answer.json<Begun>();
  };
  const info = async ({ graph_id }: Begun) =>
    (await api.call(`GET /v1/graphs/${graph_id}/info`, user)).json<{ status: string; queue: object | null }>();
  const look = () => api.get(GraphCreationQueueSensor).look();
  const cancel = ({ operation_id }: Begun) => api.call(`DELETE /v1/operations/${operation_id}`, user);
  const statuses = async () =>
    (await api.sql<{ status: string }>('select status from graph order by created_at, id')).map(({ status }) => status);
  const claim = ({ operation_id }: Begun) =>
    api
      .get(AttemptsRepository)
      .claim({ operationId: operation_id, type: 'graph_creation', workerId: 'w', leaseMs: 60_000 });
  const fill = async () => [await create(), await create()];

  it('are given to the first; those who come later wait, and are told where and for what', async () => {
    await fill();
    const [third, fourth, other] = [await create(), await create(), await create('ladybug-large')];
    expect(third).toMatchObject({ status: 'pending', message: 'Waiting for a free place in tier ladybug-standard' });
    const queue = { reason: third.message, position: 2, operation_id: fourth.operation_id };
    expect(await info(fourth)).toMatchObject({ status: 'queued', queue });
    expect(await info(other)).toMatchObject({ status: 'provisioning', queue: null });
    const status = await api.call(`GET /v1/operations/${fourth.operation_id}/status`, user);
    expect(status.json()).toMatchObject({
      status: 'pending',
      queue_position: 2,
      estimated_wait_seconds: null,
      message: third.message,
    });
    const { json } = await api.call(`GET /v1/operations/${third.operation_id}/events`, user);
    expect(json<{ events: object[] }>().events).toMatchObject([
      { event_type: 'queue_update', message: third.message, position: 1 },
    ]);
    const listed = await api.call('GET /v1/graphs/capacity', user);
    expect(listed.json<{ tiers: object[] }>().tiers).toMatchObject([
      { tier: 'ladybug-standard', status: 'at_capacity', slots: SLOTS, used: SLOTS, waiting: 2 },
      { tier: 'ladybug-large', status: 'ready', used: 1, waiting: 0 },
      { tier: 'ladybug-xlarge', status: 'ready', used: 0 },
    ]);
    expect((await api.call(`GET /v1/graphs/${third.graph_id}/schema/export`, user)).statusCode).toBe(200);
    const query = await api.call(`POST /v1/graphs/${third.graph_id}/query`, user, { query: 'RETURN 1' });
    expect(query.json()).toMatchObject({ status: 409, code: 'graph_not_ready' });
  });

  it('are not given to more than there are, however many ask at once', async () => {
    // Of organisations of their own: those of one take turns anyway.
    const users: ApiUser[] = [];
    for (let made = 0; made < 6; made += 1) users.push(await api.user());
    await Promise.all(users.map((who) => create('ladybug-standard', who)));
    expect((await statuses()).sort()).toEqual(
      [...Array<string>(SLOTS).fill('provisioning'), ...Array<string>(4).fill('queued')].sort(),
    );
  });

  it('are handed on to the oldest that waits, by one of many sensors, and workers get it then only', async () => {
    const [first] = await fill();
    const [third, fourth] = [await create(), await create()];
    expect(await claim(third)).toBeNull();
    await look();
    expect(await info(third)).toMatchObject({ status: 'queued' });
    await cancel(first);
    // Who comes now does not overtake those who wait.
    const fifth = await create();
    await Promise.all([look(), look(), look(), look()]);
    expect(await info(third)).toMatchObject({ status: 'provisioning', queue: null });
    expect(await info(fourth)).toMatchObject({ status: 'queued', queue: { position: 1 } });
    expect(await info(fifth)).toMatchObject({ status: 'queued', queue: { position: 2 } });
    expect(await claim(fourth)).toBeNull();
    expect(await claim(third)).toMatchObject({ id: third.operation_id, status: 'running' });
  });

  it('go to the next where the one before cannot be begun, which waits on', async () => {
    const [first] = await fill();
    const [third, fourth] = [await create(), await create()];
    await cancel(first);
    await api.sql(`update graph set status = 'failed' where id = $1`, [third.graph_id]);
    await look();
    expect(await info(fourth)).toMatchObject({ status: 'provisioning' });
    const [{ held_for }] = await api.sql(`select held_for from operation where id = $1`, [third.operation_id]);
    expect(held_for).toBe('a free place in tier ladybug-standard');
  });

  it('are left by whoever cancels, and waited for again by whoever tries again', async () => {
    const [first] = await fill();
    const [third, fourth] = [await create(), await create()];
    expect((await cancel(third)).json()).toMatchObject({ status: 'cancelled' });
    expect(await info(fourth)).toMatchObject({ queue: { position: 1 } });
    const again = await api.call(`POST /v1/operations/${third.operation_id}/retry`, user);
    expect(again.statusCode).toBe(202);
    const retried = { ...third, ...again.json<Begun>() };
    expect(await info(third)).toMatchObject({ status: 'queued', queue: { position: 2 } });
    expect(await claim(retried)).toBeNull();
    await cancel(first);
    await cancel(fourth);
    await look();
    expect(await claim(retried)).toMatchObject({ status: 'running' });
  });

  it('are refused to what cannot wait', async () => {
    const ask = () => api.get(Transactor).run((em) => api.get(GraphCapacity).requireRoom(em, 'ladybug-standard'));
    await create();
    await ask();
    await create();
    await expect(ask()).rejects.toMatchObject({ code: 'tier_full', details: { slots: SLOTS } });
  });
});
