import { IdentityApp, PASSWORD } from '../../test/support/identity-app';
import { testDatabase, type TestDatabase } from '../../test/support/database';

interface Auth {
  token: string;
  expires_in: number;
  refresh_threshold: number;
  user: { id: string };
  org: { id: string };
}

describe('logging in and out', () => {
  let database: TestDatabase;
  let world: IdentityApp;

  beforeAll(async () => {
    database = await testDatabase();
    world = await IdentityApp.start(database.url);
  });

  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const register = (body: object) => world.call('POST /v1/auth/register', { body });
  const login = (email: string, password = PASSWORD) =>
    world.call('POST /v1/auth/login', { body: { email, password } });
  const me = async (token: string) => (await world.call('GET /v1/auth/me', bearer(token))).statusCode;

  it('goes from registration over login, me and refresh to logout', async () => {
    const registered = await register({ name: 'Ada', email: ' Ada@Example.ORG ', password: PASSWORD });
    expect(registered.statusCode).toBe(201);
    expect(registered.json()).toMatchObject({
      user: { name: 'Ada', email: 'ada@example.org' },
      org: { name: "Ada's organisation", org_type: 'personal', role: 'owner' },
      expires_in: 1800,
      refresh_threshold: 300,
    });

    const loggedIn = await login('ADA@example.org');
    expect(loggedIn.statusCode).toBe(200);
    const { token, user, org } = loggedIn.json<Auth>();
    expect([user.id, org.id]).toEqual([registered.json<Auth>().user.id, registered.json<Auth>().org.id]);

    const whoAmI = await world.call('GET /v1/auth/me', bearer(token));
    expect(whoAmI.json()).toMatchObject({ email: 'ada@example.org', credential: { type: 'session', graph_ids: null } });

    const refreshed = (await world.call('POST /v1/auth/refresh', bearer(token))).json<Auth>();
    expect(refreshed.token).not.toBe(token);
    expect(await me(refreshed.token)).toBe(200);

    const loggedOut = await world.call('POST /v1/auth/logout', bearer(refreshed.token));
    expect(loggedOut.json()).toMatchObject({ success: true });
    expect([await me(refreshed.token), await me(token)]).toEqual([401, 401]);
    expect(await me(registered.json<Auth>().token)).toBe(200);
  });

  it('stores neither passwords nor tokens', async () => {
    await register({ name: 'Bea', email: 'bea@example.org', password: PASSWORD });
    const { token } = (await login('bea@example.org')).json<Auth>();
    const [user] = await world.sql<{ password_hash: string }>(`select * from app_user where email = 'bea@example.org'`);
    expect(user.password_hash).toMatch(/^\$argon2id\$/);
    const sessions = await world.sql<{ text: string }>(`select s::text as text from session s`);
    const stored = sessions.map((row) => row.text).join();
    expect(stored).not.toContain(token);
    expect(stored).not.toContain(Buffer.from(token).toString('hex'));
  });

  it('gives the email to one of two who register it at once', async () => {
    const body = { name: 'Twin', email: 'twin@example.org', password: PASSWORD };
    const answers = await Promise.all([register(body), register({ ...body, email: 'TWIN@example.org' })]);
    expect(answers.map((answer) => answer.statusCode).sort()).toEqual([201, 409]);
    expect(answers.find((answer) => answer.statusCode === 409)!.json()).toMatchObject({ code: 'email_taken' });
    const orgs = await world.sql(`select from org where name = 'Twin''s organisation'`);
    expect(orgs).toHaveLength(1);
  });

  it('answers an unknown email and a wrong password alike, and writes both down', async () => {
    const person = await world.person();
    const wrong = await login(person.email, 'not-the-Password-1');
    const unknown = await login('nobody@example.org');
    for (const answer of [wrong, unknown]) expect(answer.statusCode).toBe(401);
    expect(wrong.json<{ code: string; detail: string }>().detail).toBe(unknown.json<{ detail: string }>().detail);
    const rows = await world.sql<{ actor_id: string | null }>(
      `select actor_id from audit_event where action = 'session.started' and outcome = 'failure' and target = any($1)`,
      [[person.email, 'nobody@example.org']],
    );
    expect(rows.map((row) => row.actor_id).sort()).toEqual([person.id, null].sort());
  });

  it('refreshes for a while after the end, and never past the login’s own end', async () => {
    const person = await world.person();
    const { token } = (await login(person.email)).json<Auth>();
    world.clock.advance(33 * 60_000);
    const expired = await world.call('GET /v1/auth/me', bearer(token));
    expect(expired.statusCode).toBe(401);
    expect(expired.json()).toMatchObject({
      code: 'unauthenticated',
      detail: expect.stringContaining('has expired') as string,
    });
    let current = (await world.call('POST /v1/auth/refresh', bearer(token))).json<Auth>();
    expect(await me(current.token)).toBe(200);

    world.clock.advance(36 * 60_000);
    expect((await world.call('POST /v1/auth/refresh', bearer(current.token))).statusCode).toBe(401);

    current = (await login(person.email)).json<Auth>();
    const begun = new Date(world.clock.now().getTime() - 30 * 86_400_000 + 10 * 60_000);
    await world.sql(`update session set login_at = $2 where user_id = $1`, [person.id, begun]);
    current = (await world.call('POST /v1/auth/refresh', bearer(current.token))).json<Auth>();
    expect(current.expires_in).toBe(600);
    world.clock.advance(11 * 60_000);
    expect((await world.call('POST /v1/auth/refresh', bearer(current.token))).statusCode).toBe(401);
  });

  it('lets two tabs refresh the same token at once, and both stay in', async () => {
    const person = await world.person();
    const { token } = (await login(person.email)).json<Auth>();
    const answers = await Promise.all([1, 2].map(() => world.call('POST /v1/auth/refresh', bearer(token))));
    for (const answer of answers) expect(await me(answer.json<Auth>().token)).toBe(200);
    world.clock.advance(31_000);
    expect(await me(token)).toBe(401);
    expect((await world.call('POST /v1/auth/refresh', bearer(token))).statusCode).toBe(401);
  });

  it('changes the password, ends the other logins and keeps this one', async () => {
    const person = await world.person();
    const mine = (await login(person.email)).json<Auth>().token;
    const other = (await login(person.email)).json<Auth>().token;
    expect(await me(other)).toBe(200);
    const change = (body: object) => world.call('PUT /v1/user/password', { ...bearer(mine), body });

    const next = 'Another-Fine-Secret-7';
    const wrong = await change({ current_password: 'x', new_password: next, confirm_password: next });
    expect([wrong.statusCode, wrong.json<{ code: string }>().code]).toEqual([400, 'wrong_password']);
    const weak = await change({ current_password: PASSWORD, new_password: 'short', confirm_password: 'short' });
    expect(weak.statusCode).toBe(422);
    expect(weak.json()).toMatchObject({
      detail: expect.arrayContaining([expect.objectContaining({ loc: ['body', 'new_password'] })]) as object[],
    });
    const unlike = await change({ current_password: PASSWORD, new_password: next, confirm_password: 'x' });
    expect(unlike.statusCode).toBe(422);
    expect(await me(other)).toBe(200);

    expect((await change({ current_password: PASSWORD, new_password: next, confirm_password: next })).statusCode).toBe(
      200,
    );
    expect([await me(mine), await me(other)]).toEqual([200, 401]);
    expect((await login(person.email)).statusCode).toBe(401);
    expect((await login(person.email, next)).statusCode).toBe(200);
  });

  it('renews a hash that was made with other parameters', async () => {
    const person = await world.person();
    const { hash } = await import('@node-rs/argon2');
    const old = await hash(PASSWORD, { memoryCost: 128, timeCost: 2 });
    await world.sql(`update app_user set password_hash = $2 where id = $1`, [person.id, old]);
    expect((await login(person.email)).statusCode).toBe(200);
    const [row] = await world.sql<{ password_hash: string }>(`select password_hash from app_user where id = $1`, [
      person.id,
    ]);
    expect(row.password_hash).toContain('m=64,t=1');
    expect((await login(person.email)).statusCode).toBe(200);
  });

  it.each([
    [{ name: 'x', email: 'no-email', password: PASSWORD }, 'email'],
    [{ name: 'a\u0000b', email: 'a@example.org', password: PASSWORD }, 'name'],
    [{ name: 'x', email: 'a@example.org', password: 'password1234' }, 'password'],
    [{ name: 'x', email: 'a@example.org', password: 'Horatio-9-Nelson' }, null],
    [{ name: 'Horatio', email: 'b@example.org', password: 'Horatio-9-Nelson' }, 'password'],
    [{ name: 'x', email: 'a@example.org', password: PASSWORD, is_admin: true }, 'is_admin'],
    [{ name: { $gt: '' }, email: ['a@example.org'], password: 5 }, 'name'],
  ])('judges the registration %j', async (body, field) => {
    const answer = await register(body);
    if (field === null) return expect(answer.statusCode).toBe(201);
    expect(answer.statusCode).toBe(422);
    const { detail } = answer.json<{ detail: { loc: string[]; msg: string; type: string }[] }>();
    expect(detail.map((problem) => problem.loc[1])).toContain(field);
  });

  it('tells the policy, and checks by it', async () => {
    const policy = await world.call('GET /v1/auth/password/policy');
    expect(policy.json()).toMatchObject({ policy: { min_length: 12, max_length: 128 } });
    const check = async (password: string, email?: string) =>
      (await world.call('POST /v1/auth/password/check', { body: { password, email } })).json<{
        is_valid: boolean;
        score: number;
      }>();
    const [bad, own, good] = [
      await check('aaaaaaaaaaaaaaaa'),
      await check('augusta-Engine-1', 'augusta@example.org'),
      await check(PASSWORD),
    ];
    expect([bad.is_valid, own.is_valid, good.is_valid]).toEqual([false, false, true]);
    expect(bad.score).toBeLessThan(own.score);
    expect(own.score).toBeLessThan(good.score);
  });
});
