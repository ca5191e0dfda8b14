import { randomUUID } from 'node:crypto';
import { ulid } from 'ulid';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { Ids } from '../common/ids';
import type { OperationStatus } from './operation-transitions';

interface Listed {
  operations: { operation_id: string; status: string }[];
  next_cursor: string | null;
}

const MINUTE = 60_000;

describe('the history of operations', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let owner: ApiUser;
  let graphId: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
  }, 60_000);
  beforeEach(async () => {
    await api.sql('delete from operation');
    owner = await api.user();
    graphId = await graph(owner.orgId);
  });
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  async function graph(orgId: string, parent: string | null = null): Promise<string> {
    const id = parent === null ? new Ids().graph() : `${parent}_sub`;
    await api.sql(
      `insert into graph (id, org_id, parent_id, name, tier, status, schema) values ($1, $2, $3, 'g', 't', 'active', '{}')`,
      [id, orgId, parent],
    );
    return id;
  }

  interface Made {
    orgId?: string | null;
    graphId?: string | null;
    userId?: string | null;
    type?: string;
    status?: OperationStatus;
    /** Minutes ago. */
    created?: number;
    ended?: number;
    payload?: object;
  }
  async function made(options: Made = {}): Promise<string> {
    const { type = 'test_work', status = 'completed', created = 1, ended, payload = {} } = options;
    const at = new Date(Date.now() - created * MINUTE);
    const id = `op_${ulid(at.getTime())}`;
    const terminal = status !== 'pending' && status !== 'running';
    await api.sql(
      `insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts, created_at, ended_at)
       values ($1, $2, $3, $4, $5, $6, $7, 3, $8, $9)`,
      [
        id,
        type,
        status,
        options.orgId === undefined ? owner.orgId : options.orgId,
        options.userId === undefined ? owner.id : options.userId,
        options.graphId === undefined ? graphId : options.graphId,
        JSON.stringify(payload),
        at,
        terminal ? new Date(Date.now() - (ended ?? created) * MINUTE) : null,
      ],
    );
    return id;
  }

  const list = async (query = '', user = owner): Promise<string[]> => {
    const response = await api.call(`GET /v1/operations?${query}`, user);
    expect([query, response.statusCode]).toEqual([query, 200]);
    return response.json<Listed>().operations.map(({ operation_id }) => operation_id);
  };
  const join = (user: ApiUser, role: string) =>
    api.sql('insert into org_member (org_id, user_id, role) values ($1, $2, $3)', [owner.orgId, user.id, role]);
  const share = (user: ApiUser, graph: string, role: string) =>
    api.sql('insert into graph_member (graph_id, user_id, role) values ($1, $2, $3)', [graph, user.id, role]);
  const keyFor = async (user: ApiUser, graphs: string[]): Promise<ApiUser> => {
    const response = await api.call('POST /v1/user/api-keys', user, { name: 'key', graph_ids: graphs });
    return { ...user, headers: { 'x-api-key': response.json<{ key: string }>().key } };
  };

  it('can be filtered by graph, type, status, user and time', async () => {
    const other = await graph(owner.orgId);
    const a = await made({ created: 50, ended: 40, status: 'failed', type: 'file_stage' });
    const b = await made({ created: 30, ended: 5, graphId: other });
    const c = await made({ created: 20, status: 'running', userId: null });
    const d = await made({ created: 10, status: 'cancelled', ended: 9 });
    const ago = (minutes: number) => new Date(Date.now() - minutes * MINUTE).toISOString();
    expect(await list()).toEqual([d, c, b, a]);
    expect(await list(`graph_id=${other}`)).toEqual([b]);
    expect(await list('operation_type=file_stage')).toEqual([a]);
    expect(await list('status=running')).toEqual([c]);
    expect(await list('status=failed,cancelled')).toEqual([d, a]);
    expect(await list('status=failed&status=running&status=cancelled')).toEqual([d, c, a]);
    expect(await list(`user_id=${owner.id}`)).toEqual([d, b, a]);
    expect(await list(`user_id=${randomUUID()}`)).toEqual([]);
    expect(await list(`created_after=${ago(31)}&created_before=${ago(11)}`)).toEqual([c, b]);
    expect(await list(`ended_after=${ago(10)}`)).toEqual([d, b]);
    expect(await list(`ended_before=${ago(8)}`)).toEqual([d, a]);
    expect(await list(`ended_before=${ago(8)}&status=failed&created_before=${ago(1)}`)).toEqual([a]);
    for (const query of [
      'status=gone',
      'status=failed,failed',
      'status=',
      'created_after=soon',
      'user_id=me',
      'cursor=%00',
      'operation_type=A',
      'graph_id=%00',
      'limit=201',
    ]) {
      expect([query, (await api.call(`GET /v1/operations?${query}`, owner)).statusCode]).toEqual([query, 422]);
    }
  });

  it('is paged without losing or repeating any, also while more are begun and over several statuses', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 25; i += 1) {
      ids.unshift(
        await made({ created: 100 - i, status: i % 3 === 0 ? 'failed' : i % 3 === 1 ? 'completed' : 'cancelled' }),
      );
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = `status=failed,cancelled,completed&limit=7${cursor === null ? '' : `&cursor=${cursor}`}`;
      const page: Listed = (await api.call(`GET /v1/operations?${query}`, owner)).json<Listed>();
      seen.push(...page.operations.map(({ operation_id }) => operation_id));
      cursor = page.next_cursor;
      await made({ created: 0 });
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  });

  it('shows to everybody exactly what the door would let them see one by one', async () => {
    const subgraph = await graph(owner.orgId, graphId);
    const hidden = await graph(owner.orgId);
    const [admin, member, viewer, bystander, stranger] = await Promise.all([1, 2, 3, 4, 5].map(() => api.user()));
    await join(admin, 'admin');
    await Promise.all([member, viewer, bystander].map((one) => join(one, 'member')));
    await share(member, graphId, 'member');
    await share(viewer, graphId, 'viewer');
    const theirs = await graph(stranger.orgId);
    // A role in a graph counts for members of its organisation only.
    await share(bystander, theirs, 'member');
    const all = [
      await made(),
      await made({ graphId: subgraph, status: 'failed' }),
      await made({ graphId: hidden, userId: member.id }),
      await made({ graphId: null, userId: member.id }),
      await made({ graphId: null, userId: owner.id, status: 'failed' }),
      await made({ graphId: null, orgId: null, userId: bystander.id }),
      await made({ graphId: null, orgId: stranger.orgId, userId: bystander.id }),
      await made({ graphId: theirs, orgId: stranger.orgId, userId: stranger.id }),
    ]
      .sort()
      .reverse();
    const people = {
      owner,
      admin,
      member,
      viewer,
      bystander,
      stranger,
      ownersKey: await keyFor(owner, [graphId]),
      membersKey: await keyFor(member, [graphId]),
    };
    // As if the member had had a role there when the key was made.
    await api.sql('update api_key set graph_ids = graph_ids || $2::text where user_id = $1', [member.id, hidden]);
    const counts: Record<string, number> = {};
    for (const [name, user] of Object.entries(people)) {
      const allowed: string[] = [];
      for (const id of all) {
        const { statusCode } = await api.call(`GET /v1/operations/${id}`, user);
        expect([200, 404]).toContain(statusCode);
        if (statusCode === 200) allowed.push(id);
      }
      expect([name, await list('', user)]).toEqual([name, allowed]);
      const failed = (await list('status=failed', user)).length + (await list('status=completed,pending', user)).length;
      expect(failed).toBe(allowed.length);
      counts[name] = allowed.length;
    }
    expect(counts).toEqual({
      owner: 5,
      admin: 5,
      member: 3,
      viewer: 2,
      bystander: 1,
      stranger: 2,
      ownersKey: 2,
      membersKey: 2,
    });
  });

  it('keeps of each operation what was asked for, every attempt and what took how long', async () => {
    const id = await made({
      status: 'failed',
      created: 60,
      ended: 10,
      payload: { fileId: 'f', api_key: 'k', nested: [{ Password: 'p', count: 1 }] },
    });
    const at = (minutes: number) => new Date(Date.now() - minutes * MINUTE);
    await api.sql(`update operation set started_at = $2, attempt = 2, last_sequence = 6 where id = $1`, [id, at(50)]);
    const error = { class: 'TypeError', code: 'internal_error', message: 'It failed', internal_message: '/a/path' };
    await api.sql(
      `insert into operation_attempt values ($1, 1, 'host.local-77-0011aabb', $2, $3, 'lost', null),
         ($1, 2, 'host.local-78-0022aabb', $4, $5, 'failed', $6)`,
      [id, at(50), at(45), at(20), at(10), JSON.stringify({ ...error, reference: 'err_1' })],
    );
    const retry = await made({ status: 'pending' });
    await api.sql('update operation set retry_of = $2 where id = $1', [retry, id]);
    const get = async (user: ApiUser) =>
      (await api.call(`GET /v1/operations/${id}`, user)).json<Record<string, unknown>>();
    const record = await get(owner);
    expect(record).toMatchObject({
      operation_id: id,
      status: 'failed',
      user_id: owner.id,
      org_id: owner.orgId,
      payload: { fileId: 'f', api_key: '(hidden)', nested: [{ Password: '(hidden)', count: 1 }] },
      attempts: [
        { attempt: 1, worker: '0011aabb', outcome: 'lost', error: null },
        {
          attempt: 2,
          worker: '0022aabb',
          outcome: 'failed',
          error: { code: 'internal_error', message: 'It failed', reference: 'err_1' },
        },
      ],
      max_attempts: 3,
      retried_as: retry,
      _links: { events: `/v1/operations/${id}/events` },
    });
    expect(JSON.stringify(record)).not.toMatch(/host\.local|TypeError|\/a\/path/);
    const { queued_ms, running_ms, total_ms } = record.timings as Record<string, number>;
    const near = (ms: number, minutes: number) => expect(Math.abs(ms - minutes * MINUTE)).toBeLessThan(MINUTE);
    near(queued_ms, 10);
    near(running_ms, 15);
    near(total_ms, 50);
    expect((await api.call(`GET /v1/operations/${retry}`, owner)).json()).toMatchObject({
      retry_of: id,
      retried_as: null,
      attempts: [],
      queue_position: 1,
      timings: { running_ms: 0 },
    });
    await api.sql('update app_user set is_operator = true where id = $1', [owner.id]);
    const operator = await api.user();
    await api.sql('update app_user set is_operator = true where id = $1', [operator.id]);
    await join(operator, 'admin');
    expect(await get(operator)).toMatchObject({ attempts: [{ worker: 'host.local-77-0011aabb' }, { error }] });
  });

  it('says where the log of an operation was shortened', async () => {
    const id = await made();
    const events = async (query = '') =>
      (await api.call(`GET /v1/operations/${id}/events?${query}`, owner)).json<{
        events: { sequence_number: number }[];
      }>();
    await api.sql('update operation set last_sequence = 5 where id = $1', [id]);
    await api.sql(
      `insert into operation_event (operation_id, sequence, type, data)
       select $1, n, 'operation_progress', '{}' from generate_series(1, 5) n`,
      [id],
    );
    expect(await events('limit=2')).toMatchObject({
      next_after: 2,
      oldest_sequence: 1,
      last_sequence: 5,
      pruned: false,
    });
    await api.sql('delete from operation_event where operation_id = $1 and sequence < 4', [id]);
    const rest = await events();
    expect(rest).toMatchObject({ next_after: null, oldest_sequence: 4, last_sequence: 5, pruned: true });
    expect(rest.events.map(({ sequence_number }) => sequence_number)).toEqual([4, 5]);
    expect(await events('after=3')).toMatchObject({ pruned: false });
    await api.sql('delete from operation_event where operation_id = $1', [id]);
    expect(await events()).toMatchObject({ events: [], oldest_sequence: 6, last_sequence: 5, pruned: true });
    expect(await events('after=5')).toMatchObject({ events: [], pruned: false });
  });
});
