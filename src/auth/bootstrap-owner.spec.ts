import { testDatabase, type TestDatabase } from '../../test/support/database';
import { IdentityApp, PASSWORD } from '../../test/support/identity-app';
import { BootstrapOwner, type OwnerCredentials } from './bootstrap-owner';

describe('the first owner', () => {
  let database: TestDatabase;
  let processes: IdentityApp[];

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { REGISTRATION: 'closed' };
    processes = await Promise.all([1, 2].map(() => IdentityApp.start(database.url, { settings })));
  });

  afterAll(async () => {
    for (const world of processes ?? []) await world.stop();
    await database?.drop();
  });

  it('is made once by processes that start together, and can come in', async () => {
    const [world] = processes;
    const results = await Promise.all([...processes, ...processes].map((one) => one.get(BootstrapOwner).ensure()));
    const made = results.filter((result): result is OwnerCredentials => result !== null);
    expect(made).toHaveLength(1);
    const { email, password, apiKey } = made[0];
    expect(email).toBe('owner@graphstead.local');
    const login = await world.call('POST /v1/auth/login', { body: { email, password } });
    expect(login.json()).toMatchObject({ org: { org_type: 'team', role: 'owner' } });
    const me = await world.call('GET /v1/auth/me', { headers: { 'x-api-key': apiKey } });
    expect(me.json()).toMatchObject({ email, credential: { scopes: ['read', 'write', 'admin'] } });
    const operators = await world.call('GET /v1/admin/operators', { headers: { 'x-api-key': apiKey } });
    expect(operators.json()).toMatchObject({ operators: [{ email }] });
    expect(await world.get(BootstrapOwner).ensure()).toBeNull();
    expect(await world.sql(`select from app_user`)).toHaveLength(1);
  });

  it('is the only one who comes in while registration is closed', async () => {
    const body = { name: 'x', email: 'x@example.org', password: PASSWORD };
    const refused = await processes[0].call('POST /v1/auth/register', { body });
    expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([503, 'registration_closed']);
  });
});
