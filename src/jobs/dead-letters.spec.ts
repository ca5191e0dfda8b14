import { Logger } from '@nestjs/common';
import { DomainError } from '../common/domain-error';
import { Ids } from '../common/ids';
import { OperationsWorld, TEST_ACTOR, untilAborted } from '../../test/support/operations-world';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import type { Operation } from '../operations/operation.entity';
import { OperationConflict } from '../operations/operations.errors';
import { DeadLettersService } from './dead-letters.service';
import { Reaper } from './reaper.sensor';

class EngineGone extends DomainError {
  readonly code = 'engine_gone';
  readonly kind = 'unavailable';
  override readonly retryable = true;
  override readonly details = { 'odd\0key': 'odd\ud800value' };
}

interface Letter {
  id: string;
  attempts: { attempt: number; worker_id: string; outcome: string; error: Record<string, string> | null }[];
  [member: string]: unknown;
}
interface List {
  dead_letters: Letter[];
  next_cursor: string | null;
}
interface Bulk {
  retried?: number;
  discarded?: number;
  failed: number;
  more: boolean;
  results: { id: string; outcome: string; code?: string; operation_id?: string }[];
}

describe('a dead letter', () => {
  let database: TestDatabase;
  let world: OperationsWorld;
  let url: string;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url, { ROLES: 'api,worker', ABORT_GRACE_SECONDS: '0' });
    url = await world.url();
  });
  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    world.script.run = async () => ({ done: true });
    await world.query('delete from operation');
  });

  async function call<T>(status: number, method: string, path: string, body?: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}/v1/admin/dead-letters${path}`, init);
    const text = await response.text();
    expect([path, response.status, text]).toEqual([path, status, expect.any(String)]);
    return JSON.parse(text) as T;
  }

  const failWith = (thrown: unknown): void => {
    world.script.run = async () => {
      throw thrown;
    };
  };

  /** An operation that ended as a dead letter. */
  async function dead(graphId?: string, note = 'note'): Promise<Operation> {
    const { run } = world.script;
    failWith(new Error('broken'));
    const { id } = await world.begin({ note }, graphId);
    const ended = await world.ended(id);
    world.script.run = run;
    return ended;
  }

  it('tells users what is safe, operators what was thrown, and both where the log has the stack', async () => {
    const log = jest.spyOn(Logger.prototype, 'error');
    failWith(new TypeError('cannot read /secret/path\0 of \ud800'));
    const { id } = await world.begin({ note: 'n' });
    const ended = await world.ended(id);
    const reference = ended.error?.details?.reference as string;
    expect(reference).toMatch(/^err_[0-9a-f]{16}$/);
    expect(log.mock.calls.filter(([message]) => String(message).includes(reference))).toEqual([
      [expect.stringContaining(id), expect.stringContaining('TypeError: cannot read /secret/path')],
    ]);
    log.mockRestore();
    expect((await world.events(id)).at(-1)).toMatchObject({
      type: 'operation_error',
      data: { error_details: { code: 'internal_error', dead_letter: true, reference } },
    });
    expect(JSON.stringify(ended.error)).not.toContain('secret');
    const letter = await call<Letter>(200, 'GET', `/${id}`);
    expect(letter).toMatchObject({
      id,
      operation_type: 'test_work',
      graph_id: ended.graphId,
      user_id: TEST_ACTOR.userId,
      reason: 'unexpected_error',
      payload: { note: 'n' },
      status: 'open',
      attempts: [
        {
          attempt: 1,
          outcome: 'failed',
          error: {
            class: 'TypeError',
            code: 'internal_error',
            internal_message: 'cannot read /secret/path\ufffd of \ufffd',
            reference,
          },
        },
      ],
    });
    expect(letter.attempts[0].worker_id).not.toBe('');
  });

  it('keeps every attempt and the last progress, also of an operation whose workers were lost', async () => {
    world.script.run = async (ctx) => {
      ctx.progress(40, 'Half of it');
      if (ctx.attempt === 1) throw new EngineGone('The engine is gone');
      return untilAborted(ctx.signal);
    };
    const { id } = await world.begin();
    await world.until(id, ({ status, attempt }) => status === 'running' && attempt === 2);
    await world.expireLease(id);
    // Two at once: one of them ends it.
    await Promise.all([world.app.get(Reaper).look(), world.app.get(Reaper).look()]);
    expect((await world.eventTypes(id)).filter((type) => type === 'operation_error')).toHaveLength(1);
    expect((await world.events(id)).at(-1)).toMatchObject({
      type: 'operation_error',
      data: { error_details: { code: 'worker_lost', dead_letter: true } },
    });
    const letter = await call<Letter>(200, 'GET', `/${id}`);
    expect(letter).toMatchObject({
      reason: 'attempts_used_up',
      last_progress: { percent: 40, message: 'Half of it' },
      attempts: [
        { attempt: 1, outcome: 'retry', error: { class: 'EngineGone', code: 'engine_gone' } },
        { attempt: 2, outcome: 'lost', error: { code: 'worker_lost' } },
      ],
    });
  });

  it('is retried once, as a new operation that is linked with it and succeeds', async () => {
    const { id, graphId } = await dead();
    let seen = '';
    world.script.run = async (_ctx, { note }) => {
      seen = note ?? '';
      return { done: 'again' };
    };
    const attempts = await Promise.all(
      [1, 2, 3].map(() => fetch(`${url}/v1/admin/dead-letters/${id}/retry`, { method: 'POST' })),
    );
    expect(attempts.map(({ status }) => status).sort()).toEqual([202, 409, 409]);
    const started = (await attempts.find(({ status }) => status === 202)!.json()) as { operation_id: string };
    const refused = await call<object>(409, 'POST', `/${id}/retry`);
    expect(refused).toMatchObject({ code: 'dead_letter_resolved', operation_id: started.operation_id });
    const again = await world.ended(started.operation_id);
    expect(again).toMatchObject({ status: 'completed', retryOf: id, graphId, userId: TEST_ACTOR.userId });
    expect(seen).toBe('note');
    expect(await world.operations.get(id)).toMatchObject({ status: 'failed' });
    expect(await call(200, 'GET', `/${id}`)).toMatchObject({
      status: 'retried',
      retried_as: again.id,
      resolved_by: TEST_ACTOR.userId,
    });
    expect(await call(409, 'POST', `/${id}/discard`)).toMatchObject({ code: 'dead_letter_resolved' });
    const audit = await world.query('select action, details from audit_event where target = $1', [id]);
    expect(audit).toEqual([
      { action: 'dead_letter.retried', details: { operation_id: again.id, operation_type: 'test_work' } },
    ]);
  });

  it('is not retried beside another operation of the same graph', async () => {
    const { id, graphId } = await dead();
    world.script.run = (ctx) => untilAborted(ctx.signal);
    const other = await world.begin({}, graphId!);
    expect(await call(409, 'POST', `/${id}/retry`)).toMatchObject({
      code: 'operation_in_progress',
      operation_id: other.id,
    });
    expect(await call(200, 'GET', `/${id}`)).toMatchObject({ status: 'open', retried_as: null });
    await world.operations.cancel(TEST_ACTOR, other.id);
    await world.ended(other.id);
    world.script.run = async () => ({});
    const { operation_id } = await call<{ operation_id: string }>(202, 'POST', `/${id}/retry`);
    expect(await world.ended(operation_id)).toMatchObject({ status: 'completed' });
  });

  it('is found by what it is, page by page', async () => {
    const all = [await dead(), await dead(), await dead()].map(({ id }) => id).reverse();
    await call(200, 'POST', `/${all[2]}/discard`);
    const ids = async (query: string) => (await call<List>(200, 'GET', `?${query}`)).dead_letters.map(({ id }) => id);
    expect(await ids('')).toEqual(all);
    expect(await ids('status=open&type=test_work&reason=unexpected_error')).toEqual(all.slice(0, 2));
    expect(await ids('status=discarded')).toEqual([all[2]]);
    expect(await ids('type=hasty_work')).toEqual([]);
    const [first] = (await call<List>(200, 'GET', '?limit=1')).dead_letters;
    expect(await ids(`graph_id=${first.graph_id as string}`)).toEqual([all[0]]);
    expect(await ids(`since=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
    expect(await ids(`until=${new Date(Date.now() + 60_000).toISOString()}&since=2020-01-01`)).toEqual(all);
    const page = await call<List>(200, 'GET', '?limit=2');
    expect(page.next_cursor).toBe(all[1]);
    expect(await ids(`limit=2&cursor=${page.next_cursor}`)).toEqual([all[2]]);
    for (const query of ['status=gone', 'cursor=1', 'org_id=x', 'since=soon', 'limit=0', 'type=%00']) {
      await call(422, 'GET', `?${query}`);
    }
    for (const id of ['nonsense', '%00', new Ids().operation()]) await call(404, 'GET', `/${id}`);
  });

  it('is retried and discarded together with others, and says for each what happened', async () => {
    const graph = new Ids().graph();
    const [one, two, three] = [await dead(graph), await dead(graph), await dead()];
    world.script.run = (ctx) => untilAborted(ctx.signal);
    const unknown = new Ids().operation();
    const retried = await call<Bulk>(200, 'POST', '/retry', { ids: [one.id, two.id, unknown] });
    // Both are of one graph, and the first one's retry holds it.
    expect(retried).toMatchObject({
      retried: 1,
      failed: 2,
      more: false,
      results: [
        { id: one.id, outcome: 'retried', operation_id: expect.stringMatching(/^op_/) as string },
        { id: two.id, outcome: 'failed', code: 'operation_in_progress' },
        { id: unknown, outcome: 'failed', code: 'dead_letter_not_found' },
      ],
    });
    await world.operations.cancel(TEST_ACTOR, retried.results[0].operation_id!);
    const discarded = await call<Bulk>(200, 'POST', '/discard', { type: 'test_work' });
    expect(discarded).toMatchObject({ discarded: 2, failed: 0 });
    expect(discarded.results.map(({ id }) => id).sort()).toEqual([two.id, three.id].sort());
    expect(await call(200, 'POST', '/retry', { type: 'test_work' })).toMatchObject({ retried: 0, results: [] });
    await call(422, 'POST', '/retry', {});
    await call(422, 'POST', '/discard', { ids: [] });
    await call(422, 'POST', '/discard', { ids: [one.id], type: 'test_work' });
  });

  it('of a type or with a payload that this version cannot use stays as it is', async () => {
    const { id } = await dead();
    const retry = () => world.app.get(DeadLettersService).retry(TEST_ACTOR, id);
    await world.query(`update operation set payload = '[1]' where id = $1`, [id]);
    await expect(retry()).rejects.toMatchObject({ code: 'operation_not_repeatable' });
    await world.query(`update operation set payload = '{}', graph_id = null where id = $1`, [id]);
    await expect(retry()).rejects.toMatchObject({ code: 'operation_not_repeatable' });
    await world.query(`update operation set type = 'of_old' where id = $1`, [id]);
    await expect(retry()).rejects.not.toBeInstanceOf(OperationConflict);
    expect(await call(409, 'POST', `/${id}/retry`)).toMatchObject({ code: 'operation_not_repeatable' });
    expect(await call(200, 'GET', `/${id}`)).toMatchObject({ status: 'open' });
  });
});
