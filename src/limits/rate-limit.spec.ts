import type { LightMyRequestResponse } from 'fastify';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { DataSource } from 'typeorm';
import { RateBudgets, type RateState } from './rate-budgets';
import { TierTable } from './tier-table';

const PER_MINUTE = 12;
const LIMITS = {
  '*': { requests_per_minute: PER_MINUTE },
  'ladybug-large': { requests_per_minute: 1_000 },
};

/** Two processes of the platform on one database, as far as counting is concerned. */
describe('the rate of requests', () => {
  let database: TestDatabase;
  let one: ApiApp;
  let other: ApiApp;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { TIER_LIMITS: JSON.stringify(LIMITS) };
    one = await ApiApp.start(database.url, settings);
    other = await ApiApp.start(database.url, settings);
  }, 60_000);
  afterAll(async () => {
    await one?.stop();
    await other?.stop();
    await database?.drop();
  });

  const ask = (app: ApiApp, user: ApiUser): Promise<LightMyRequestResponse> =>
    app.call(`GET /v1/orgs/${user.orgId}/limits`, user);
  const statuses = (answers: LightMyRequestResponse[]): number[] => answers.map(({ statusCode }) => statusCode);
  const count = <T>(list: T[], item: T): number => list.filter((each) => each === item).length;

  it('is counted over all processes, for an organisation as a whole', async () => {
    const user = await one.user();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i % 2 ? one : other, user)));
    expect(count(statuses(answers), 200)).toBe(PER_MINUTE);
    const refused = answers.find(({ statusCode }) => statusCode === 429)!;
    expect(refused.json()).toMatchObject({ code: 'rate_limited', limit: PER_MINUTE, window_seconds: 60 });
    expect(refused.headers).toMatchObject({ 'ratelimit-limit': '12', 'ratelimit-remaining': '0' });
    const wait = Number(refused.headers['retry-after']);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
  });

  it('leaves other organisations alone', async () => {
    const [noisy, quiet] = [await one.user(), await one.user()];
    await Promise.all(Array.from({ length: 15 }, () => ask(one, noisy)));
    expect((await ask(one, noisy)).statusCode).toBe(429);
    expect((await ask(one, quiet)).statusCode).toBe(200);
  });

  it('is told with every answer', async () => {
    const user = await one.user();
    const first = await ask(one, user);
    const second = await ask(one, user);
    expect(first.headers).toMatchObject({
      'ratelimit-limit': '12',
      'ratelimit-remaining': '11',
      'ratelimit-policy': '12;w=60',
    });
    expect(second.headers['ratelimit-remaining']).toBe('10');
    expect(Number(second.headers['ratelimit-reset'])).toBeGreaterThan(0);
  });

  it('follows the largest tier among the graphs of the organisation', async () => {
    const user = await one.user();
    await one.sql(
      `insert into graph (id, org_id, name, tier, status, schema) values ('kg${'a'.repeat(20)}', $1, 'g', 'ladybug-large', 'active', '{}')`,
      [user.orgId],
    );
    expect((await ask(one, user)).headers['ratelimit-limit']).toBe('1000');
  });

  it('does not count public routes', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => one.app.inject({ url: '/v1/status' })));
    expect(count(statuses(answers), 200)).toBe(20);
    expect(answers[0].headers).not.toHaveProperty('ratelimit-limit');
  });

  it('costs a statement for a fiftieth of the limit, not for a request', async () => {
    const user = await one.user();
    await one.sql(
      `insert into graph (id, org_id, name, tier, status, schema) values ('kg${'b'.repeat(20)}', $1, 'g', 'ladybug-large', 'active', '{}')`,
      [user.orgId],
    );
    const dataSource = one.get(DataSource);
    const budgets = new RateBudgets(dataSource, one.get(TierTable));
    const states: RateState[] = [];
    const statements = jest.spyOn(dataSource, 'query');
    for (let i = 0; i < 200; i += 1) states.push(await budgets.take(user.orgId, user.id));
    // One asks for the tier; ten blocks of twenty are spent, and the next may be there.
    expect(statements.mock.calls.length).toBeLessThanOrEqual(12);
    expect(states.every(({ allowed }) => allowed)).toBe(true);
    expect(states.at(-1)).toMatchObject({ limit: 1_000, remaining: 800 });
    statements.mockRestore();
  });

  it('begins anew with the next minute', async () => {
    const user = await one.user();
    const budgets = new RateBudgets(one.get(DataSource), one.get(TierTable));
    for (let i = 0; i < PER_MINUTE; i += 1) await budgets.take(user.orgId, user.id);
    expect(await budgets.take(user.orgId, user.id)).toMatchObject({ allowed: false, remaining: 0 });
    const later = Date.now() + 61_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(later);
    try {
      expect(await budgets.take(user.orgId, user.id)).toMatchObject({ allowed: true, remaining: PER_MINUTE - 1 });
    } finally {
      clock.mockRestore();
    }
  });
});
