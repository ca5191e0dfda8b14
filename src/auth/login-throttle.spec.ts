import { testDatabase, type TestDatabase } from '../../test/support/database';
import { IdentityApp, PASSWORD, type Person } from '../../test/support/identity-app';
import { networkOf } from './login-throttle';

describe('guessing passwords', () => {
  let database: TestDatabase;
  let processes: IdentityApp[];
  let ada: Person;
  let calls = 0;

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { LOGIN_ATTEMPTS: '3', LOGIN_ATTEMPTS_PER_IP: '6', REGISTRATIONS_PER_IP: '20' };
    processes = await Promise.all([1, 2].map(() => IdentityApp.start(database.url, { settings })));
    ada = await processes[0].person();
  });

  afterAll(async () => {
    for (const world of processes ?? []) await world.stop();
    await database?.drop();
  });

  /** Calls through one process after the other, from an address. */
  const login = (ip: string, email: string, password = 'wrong') =>
    processes[(calls += 1) % 2].call('POST /v1/auth/login', {
      headers: { 'x-forwarded-for': ip },
      body: { email, password },
    });

  it('is stopped after a few tries across processes, for the right password too', async () => {
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await login('10.0.0.1', ada.email)).statusCode);
    expect(statuses).toEqual([401, 401, 401, 429]);
    const refused = await login('10.0.0.1', ada.email, PASSWORD);
    expect(refused.json()).toMatchObject({ code: 'too_many_attempts' });
    const retryAfter = Number(refused.headers['retry-after']);
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(300);
    // The account is not locked for its owner, who sits elsewhere.
    expect((await login('10.0.0.2', ada.email, PASSWORD)).statusCode).toBe(200);
  });

  it('is stopped when all tries come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => login('10.0.1.1', ada.email)));
    expect(answers.filter((answer) => answer.statusCode === 401)).toHaveLength(3);
  });

  it('is stopped for an address that tries many accounts', async () => {
    const statuses = [];
    for (let i = 0; i < 7; i += 1) statuses.push((await login('10.0.2.1', `someone${i}@example.org`)).statusCode);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429]);
  });

  it('is forgiven after the right password', async () => {
    for (let round = 0; round < 4; round += 1) {
      expect((await login('10.0.3.1', ada.email)).statusCode).toBe(401);
      expect((await login('10.0.3.1', ada.email, PASSWORD)).statusCode).toBe(200);
    }
  });

  it('is stopped behind a stolen session as well', async () => {
    const body = {
      current_password: 'wrong',
      new_password: 'Some-Other-Secret-1',
      confirm_password: 'Some-Other-Secret-1',
    };
    const statuses = [];
    for (let i = 0; i < 4; i += 1) {
      const headers = { ...ada.headers, 'x-forwarded-for': '10.0.4.1' };
      statuses.push((await processes[i % 2].call('PUT /v1/user/password', { headers, body })).statusCode);
    }
    expect(statuses).toEqual([400, 400, 400, 429]);
  });

  it('costs registrations of an address as well', async () => {
    const register = (i: number) =>
      processes[i % 2].call('POST /v1/auth/register', {
        headers: { 'x-forwarded-for': '2001:db8::' + i },
        body: { name: 'x', email: `bulk${i}@example.org`, password: PASSWORD },
      });
    const answers = await Promise.all(Array.from({ length: 22 }, (_, i) => register(i + 1)));
    expect(answers.filter((answer) => answer.statusCode === 429)).toHaveLength(2);
  });
});

describe('networkOf', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '::ffff:10.1.2.3'],
    ['2001:0db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
  ])('of %s is %s', (ip, network) => expect(networkOf(ip)).toBe(network));
});
