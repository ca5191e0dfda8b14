import { randomUUID } from 'node:crypto';
import { OperationsWorld, Script, TEST_ACTOR, untilAborted } from '../../test/support/operations-world';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { Ids } from '../common/ids';

interface Cancelled {
  cancelled: number;
  stopping: number;
  already_ended: number;
  refused: number;
  refusals: { id: string; code: string }[];
  more: boolean;
}

describe('cancelling many operations', () => {
  let database: TestDatabase;
  let world: OperationsWorld;
  let base: string;
  let orgId: string;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url, { ROLES: 'api' });
    base = await world.url();
    await world.query(`insert into app_user (id, email, name, password_hash) values ($1, 'a@example.org', 'A', '')`, [
      TEST_ACTOR.userId,
    ]);
  });
  beforeEach(async () => {
    await world.query('delete from operation');
    orgId = await org('owner');
  });
  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });

  async function org(role: string): Promise<string> {
    const id = await world.org();
    await world.query('insert into org_member (org_id, user_id, role) values ($1, $2, $3)', [
      id,
      TEST_ACTOR.userId,
      role,
    ]);
    return id;
  }

  async function sharedGraph(role: string): Promise<{ graphId: string; orgId: string }> {
    const owner = await org('member');
    const graphId = new Ids().graph();
    await world.query(
      `insert into graph (id, org_id, name, tier, status, schema) values ($1, $2, 'g', 't', 'active', '{}')`,
      [graphId, owner],
    );
    await world.query('insert into graph_member (graph_id, user_id, role) values ($1, $2, $3)', [
      graphId,
      TEST_ACTOR.userId,
      role,
    ]);
    return { graphId, orgId: owner };
  }

  async function cancel<T = Cancelled>(body: object, status = 200): Promise<T> {
    const response = await fetch(`${base}/v1/operations/cancel`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as T;
    expect([response.status, answer]).toEqual([status, expect.anything()]);
    return answer;
  }

  /** Pending operations, as `begin` leaves them behind: with an event and, of test work, a lock. */
  async function pending(count: number, { type = 'test_work', of = orgId } = {}): Promise<void> {
    await world.query(
      `with made as (
         insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts, last_sequence, delivered_at)
         select 'op_01' || lpad(n::text, 24, '0'), $2, 'pending', $3, $4, 'kg' || lpad(to_hex(n), 20, '0'), '{}', 2, 1, now()
         from generate_series(1, $1) n returning id, org_id, graph_id
       ), event as (
         insert into operation_event (operation_id, sequence, type, data, org_id)
         select id, 1, 'queue_update', '{}', org_id from made
       ) insert into operation_lock (resource, operation_id) select 'graph:' || graph_id, id from made`,
      [count, type, of, TEST_ACTOR.userId],
    );
  }

  /** Whether each operation has a gapless log with exactly one end, and nothing of an ended one is left. */
  async function expectSound(): Promise<void> {
    expect(
      await world.query(
        `select o.id from operation o left join operation_event e on e.operation_id = o.id
         group by o.id, o.last_sequence having max(e.sequence) <> o.last_sequence or count(*) <> o.last_sequence
           or count(*) filter (where e.type in ('operation_completed', 'operation_error', 'operation_cancelled'))
             <> case when o.status in ('pending', 'running') then 0 else 1 end`,
      ),
    ).toEqual([]);
    expect(
      await world.query(
        `select l.resource from operation_lock l join operation o on o.id = l.operation_id where o.ended_at is not null`,
      ),
    ).toEqual([]);
  }

  const audited = (id: string) => world.query('select action, org_id from audit_event where target = $1', [id]);

  it('ends ten thousand that wait in one call, each with its event, its lock, its aftermath and an audit row', async () => {
    await pending(10_001);
    const aftermaths = world.script.aftermaths.length;
    const answer = await cancel({ operation_type: 'test_work' });
    expect(answer).toEqual({
      cancelled: 10_000,
      stopping: 0,
      already_ended: 0,
      refused: 0,
      refusals: [],
      more: true,
    });
    await expectSound();
    expect(await world.query(`select count(*)::int as n from operation where status = 'cancelled'`)).toEqual([
      { n: 10_000 },
    ]);
    expect(world.script.aftermaths.length - aftermaths).toBe(10_000);
    const rows = await world.query(
      `select count(distinct target)::int as targets, count(*)::int as rows from audit_event
       where action = 'operation.cancelled' and org_id = $1`,
      [orgId],
    );
    expect(rows).toEqual([{ targets: 10_000, rows: 10_000 }]);
    expect(await cancel({ operation_type: 'test_work' })).toMatchObject({ cancelled: 1, more: false });
    expect(await cancel({ operation_type: 'test_work' })).toMatchObject({ cancelled: 0, already_ended: 0 });
  }, 60_000);

  it('answers for each that is named, whatever it is', async () => {
    const member = await sharedGraph('member');
    const viewer = await sharedGraph('viewer');
    const mine = await world.begin({}, undefined, orgId);
    const shared = await world.begin({}, member.graphId, member.orgId);
    const seen = await world.begin({}, viewer.graphId, viewer.orgId);
    const foreign = await world.begin({}, undefined, randomUUID());
    const hasty = await world.beginHasty();
    const gone = new Ids().operation();
    const done = await world.begin({}, undefined, orgId);
    await world.operations.cancel(TEST_ACTOR, done.id);
    const ids = [mine, shared, seen, foreign, hasty, done].map(({ id }) => id).concat(gone);
    const answer = await cancel({ ids });
    expect(answer).toMatchObject({ cancelled: 2, stopping: 0, already_ended: 1, refused: 4, more: false });
    expect(new Map(answer.refusals.map(({ id, code }) => [id, code]))).toEqual(
      new Map([
        [seen.id, 'role_required'],
        [hasty.id, 'operation_not_cancellable'],
        [foreign.id, 'operation_not_found'],
        [gone, 'operation_not_found'],
      ]),
    );
    expect((await world.operations.get(shared.id)).status).toBe('cancelled');
    for (const { id } of [seen, foreign, hasty]) expect((await world.operations.get(id)).status).toBe('pending');
    await expectSound();
    expect(await cancel({ ids: [mine.id, done.id] })).toMatchObject({ cancelled: 0, already_ended: 2, refused: 0 });
    expect(await audited(mine.id)).toEqual([{ action: 'operation.cancelled', org_id: orgId }]);
    // A filter passes over what is not the actor's, and refuses what they may only look at.
    const rest = await cancel({ status: ['pending'] });
    expect(rest).toMatchObject({ cancelled: 0, refused: 2 });
  });

  it('needs to be told which', async () => {
    const { id } = await world.begin({}, undefined, orgId);
    for (const body of [{}, { ids: [] }, { ids: [id, id] }, { ids: ['x'] }, { ids: [id], status: ['pending'] }]) {
      await cancel(body, 422);
    }
    await cancel({ status: ['completed'] }, 422);
    await cancel({ everything: true }, 422);
    expect((await world.operations.get(id)).status).toBe('pending');
  });

  it('ends all others where the aftermath of one fails', async () => {
    const script = new Script();
    const odd = await OperationsWorld.start(database.url, { ROLES: 'api' }, { script });
    try {
      await pending(40);
      const [{ id }] = await world.query<{ id: string }>('select id from operation order by id offset 20 limit 1');
      jest.spyOn(script.aftermaths, 'push').mockImplementation((one) => {
        if (one === id) throw new Error('broken aftermath');
        return 0;
      });
      const response = await fetch(`${await odd.url()}/v1/operations/cancel`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ status: ['pending'] }),
      });
      expect(await response.json()).toMatchObject({ cancelled: 40, refused: 0 });
      await expectSound();
    } finally {
      await odd.close();
    }
  });

  it('stops what runs, and leaves one end to each that is claimed, done or cancelled by two at the same time', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 60; i += 1) ids.push((await world.begin({}, undefined, orgId)).id);
    const script = new Script();
    let runs = 0;
    // Some end by themselves at once, others only when they are told to.
    script.run = async (ctx) => ((runs += 1) % 3 === 0 ? { done: true } : untilAborted(ctx.signal));
    const worker = await OperationsWorld.start(database.url, { ROLES: 'worker,sensors' }, { script });
    try {
      await world.until(ids[0], ({ status }) => status !== 'pending');
      const answers = await Promise.all([cancel({ ids }), cancel({ ids }), cancel({ operation_type: 'test_work' })]);
      for (const { cancelled, stopping, already_ended, refused } of answers.slice(0, 2)) {
        expect([cancelled + stopping + already_ended, refused]).toEqual([60, 0]);
      }
      for (const id of ids) await world.ended(id);
      await expectSound();
      const ended = await world.query<{ status: string; n: number }>(
        'select status, count(*)::int as n from operation group by status order by status',
      );
      expect(ended.map(({ status }) => status)).not.toContain('failed');
      // Audited once each, by whichever call did it.
      const rows = await world.query<{ n: number }>(
        `select count(*)::int as n from audit_event where target = any ($1) group by target having count(*) > 1`,
        [ids],
      );
      expect(rows).toEqual([]);
    } finally {
      await worker.close();
    }
  });
});
