import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { Clock } from '../common/clock';
import { CreditAllocationSensor } from './credit-allocation.sensor';
import { CreditsService } from './credits.service';
import { StorageOverageSensor } from './storage-overage.sensor';

type Body = Record<string, unknown>;

const LIMITS = JSON.stringify({ '*': { monthly_credits: 1_000, included_storage_gb: 2, storage_gb: 10 } });

describe('credits', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let owner: ApiUser;
  let graph: string;
  let credits: CreditsService;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { TIER_LIMITS: LIMITS });
    credits = api.get(CreditsService);
    owner = await api.user();
    await api.sql('update app_user set is_operator = true where id = $1', [owner.id]);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    at('2026-11-20T12:00:00Z');
    graph = await newGraph('2026-11-20T12:00:00Z');
  });
  afterEach(() => jest.restoreAllMocks());

  const at = (time: string): void => void jest.spyOn(api.get(Clock), 'now').mockReturnValue(new Date(time));
  const newGraph = async (createdAt: string): Promise<string> => {
    const answer = await api.call('POST /v1/graphs', owner, { metadata: { graph_name: 'g' } });
    const { graph_id: id } = answer.json<{ graph_id: string }>();
    await api.sql(`update graph set status = 'active', created_at = $2 where id = $1`, [id, createdAt]);
    return id;
  };
  const summary = async (id = graph): Promise<Body> => (await api.call(`GET /v1/graphs/${id}/credits`, owner)).json();
  const ledger = async (query = ''): Promise<Body & { transactions: Body[] }> =>
    (await api.call(`GET /v1/graphs/${graph}/credits/transactions${query}`, owner)).json();
  const use = (idempotencyKey: string, amount: number) =>
    credits.consume(graph, { amount, idempotencyKey, description: 'Used', operationType: 'test' });
  const told = async (): Promise<string[]> => {
    const rows = await api.sql<{ action: string }>(
      `select action from audit_event where target = $1 and action like 'credits.%' order by id`,
      [graph],
    );
    return rows.map(({ action }) => action).filter((action) => action !== 'credits.allocated');
  };

  it('are there as soon as somebody asks, and are spent once for each key', async () => {
    expect(await summary()).toMatchObject({ current_balance: 1_000, monthly_allocation: 1_000, transaction_count: 1 });
    const first = await use('a', 12.345);
    expect(first).toMatchObject({ amount: -12.35, balanceAfter: 987.65 });
    expect((await use('a', 12.345)).id).toBe(first.id);
    expect(await summary()).toMatchObject({
      current_balance: 987.65,
      consumed_this_month: 12.35,
      usage_percentage: 1.23,
      last_allocation_date: '2026-11-01T00:00:00.000Z',
      alert: null,
    });
    expect(await ledger('?transaction_type=consumption')).toMatchObject({
      transactions: [{ type: 'consumption', amount: -12.35, balance_after: 987.65, idempotency_key: 'a' }],
      summary: { test: { total_amount: -12.35, transaction_count: 1 } },
      total_count: 2,
      filtered_count: 1,
    });
  });

  it('cannot be spent twice or beyond what is left by those who come at once', async () => {
    const same = await Promise.all(Array.from({ length: 8 }, () => use('same', 100)));
    expect(new Set(same.map(({ id }) => id)).size).toBe(1);
    const many = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => use(`many ${n}`, 100)));
    expect(many.filter(({ status }) => status === 'fulfilled')).toHaveLength(9);
    const refused = many.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(refused.reason).toMatchObject({ code: 'credits_exhausted', kind: 'payment_required' });
    expect(await summary()).toMatchObject({ current_balance: 0, transaction_count: 11 });
  });

  it('come once a month, to two who allocate at once and for months in which nobody did', async () => {
    await use('november', 400);
    at('2027-02-03T00:00:00Z');
    const sensor = api.get(CreditAllocationSensor);
    await Promise.all([sensor.look(), sensor.look(), credits.pool(graph)]);
    const { transactions } = await credits.transactions(graph, {}, { limit: 100, offset: 0 });
    transactions.reverse();
    const booked = transactions.map(({ type, amount, metadata }) => [type, amount, metadata.month]);
    expect(booked).toEqual([
      ['allocation', 1_000, '2026-11'],
      ['consumption', -400, undefined],
      ['expiration', -600, '2026-12'],
      ['allocation', 1_000, '2026-12'],
      ['expiration', -1_000, '2027-01'],
      ['allocation', 1_000, '2027-01'],
      ['expiration', -1_000, '2027-02'],
      ['allocation', 1_000, '2027-02'],
    ]);
    let balance = 0;
    for (const { amount, balanceAfter } of transactions) {
      balance += amount;
      expect(balanceAfter).toBe(balance);
    }
    expect(await credits.thisMonth(graph)).toMatchObject({
      pool: { balance: 1_000, month: '2027-02-01' },
      consumed: 0,
    });
  });

  it('tell once a month each when they run low', async () => {
    await use('1', 790);
    expect(await told()).toEqual([]);
    await use('2', 10);
    await use('3', 10);
    expect(await told()).toEqual(['credits.low']);
    await use('4', 180);
    expect(await told()).toEqual(['credits.low', 'credits.critical']);
    await use('5', 10);
    expect(await told()).toEqual(['credits.low', 'credits.critical', 'credits.exhausted']);
    expect(await summary()).toMatchObject({ alert: 'credits.exhausted' });
    at('2026-12-01T00:00:00Z');
    await use('6', 900);
    expect((await told()).at(-1)).toBe('credits.low');
  });

  it('pay for storage beyond what is included, once a day, as far as they go', async () => {
    await api.sql(
      `insert into generation (graph_id, number, status, manifest, published_at) values ($1, 7, 'live', $2, now())`,
      [graph, JSON.stringify({ bytes: 5.5 * 1024 ** 3 })],
    );
    const sensor = api.get(StorageOverageSensor);
    await Promise.all([sensor.look(), sensor.look()]);
    await sensor.look();
    expect(await ledger('?operation_type=storage_overage')).toMatchObject({
      transactions: [
        { amount: -3.5, idempotency_key: 'storage:2026-11-20', metadata: { included_gb: 2, used_gb: 5.5 } },
      ],
    });
    await use('rest', 995);
    at('2026-11-21T12:00:00Z');
    await sensor.look();
    const { transactions } = await ledger('?operation_type=storage_overage');
    expect(transactions[0]).toMatchObject({ amount: -1.5, balance_after: 0, metadata: { due: 3.5 } });
  });

  it('are granted by operators alone, and are seen by nobody from elsewhere', async () => {
    const grant = `POST /v1/admin/graphs/${graph}/credits`;
    expect((await api.call(grant, owner, { amount: 50, reason: 'A gift' })).json()).toMatchObject({
      current_balance: 1_050,
    });
    expect((await ledger()).transactions[0]).toMatchObject({ type: 'bonus', amount: 50, description: 'A gift' });
    expect((await api.call(grant, owner, { amount: -1, reason: 'x' })).statusCode).toBe(422);
    const stranger = await api.user();
    expect((await api.call(grant, stranger, { amount: 50, reason: 'x' })).statusCode).toBe(403);
    for (const path of ['', '/transactions'])
      expect((await api.call(`GET /v1/graphs/${graph}/credits${path}`, stranger)).statusCode).toBe(404);
    expect((await ledger('?start_date=yesterday')).status).toBe(422);
    expect(await ledger('?end_date=2026-11-19')).toMatchObject({ filtered_count: 0, total_count: 2 });
    expect(await ledger('?start_date=2026-11-20&end_date=2026-11-20&limit=1')).toMatchObject({ filtered_count: 2 });
  });
});
