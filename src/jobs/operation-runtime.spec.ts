import { DomainError } from '../common/domain-error';
import { Ids } from '../common/ids';
import {
  gate,
  HastyWork,
  OperationsWorld,
  TEST_ACTOR,
  TestWorkProcessor,
  untilAborted,
} from '../../test/support/operations-world';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { OperationLog } from '../operations/operation-log';
import { cancelled, progressed } from '../operations/operation-events';
import { OperationConflict, OperationEnded, StaleAttemptError } from '../operations/operations.errors';
import { Dispatcher } from './dispatcher';
import type { OperationContext } from './operation-context';
import { Queues } from './queues';
import { Reaper } from './reaper.sensor';
import { RunningAttempts } from './running-attempts';
import { Sweeper } from './sweeper.sensor';

class EngineGone extends DomainError {
  readonly code = 'engine_gone';
  readonly kind = 'unavailable';
  override readonly retryable = true;
}

class BadFile extends DomainError {
  readonly code = 'bad_file';
  readonly kind = 'invalid';
}

describe('an operation', () => {
  let database: TestDatabase;
  let world: OperationsWorld;

  beforeAll(async () => {
    database = await testDatabase();
    // The sensors are asked to look by the tests themselves.
    world = await OperationsWorld.start(database.url, {
      SHUTDOWN_GRACE_SECONDS: '0',
      ROLES: 'api,worker',
      ABORT_GRACE_SECONDS: '1',
    });
  });

  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });

  beforeEach(() => {
    world.script.run = async () => ({ done: true });
  });

  /** Resolves when the worker is through with a job. */
  const workedOff = (jobId: string): Promise<void> =>
    new Promise((resolve) => {
      const { worker } = world.app.get(TestWorkProcessor);
      worker.on('completed', (job) => {
        if (job.id === jobId) resolve();
      });
    });

  const locks = () => world.query('select * from operation_lock');

  it('runs and leaves a gapless log, its result and no lock', async () => {
    world.script.run = async (ctx, { note }) => {
      ctx.progress(50, 'Half-way', { currentStep: 1, totalSteps: 2 });
      return { note, attempt: ctx.attempt };
    };
    const begun = await world.begin({ note: 'a\0b' });
    const operation = await world.ended(begun.id);
    expect(operation).toMatchObject({ status: 'completed', attempt: 1, result: { note: 'a\ufffdb', attempt: 1 } });
    const events = await world.events(begun.id);
    expect(events.map(({ type }) => type)).toEqual([
      'queue_update',
      'operation_started',
      'operation_progress',
      'operation_completed',
    ]);
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(events[2].data).toMatchObject({
      message: 'Half-way',
      progress_percent: 50,
      percentage: 50,
      current_step: 1,
      total_steps: 2,
    });
    expect(events[3].data).toMatchObject({ result: operation.result, execution_time_ms: expect.any(Number) as number });
    expect(await locks()).toEqual([]);
    expect(
      await world.query('select attempt, outcome from operation_attempt where operation_id = $1', [begun.id]),
    ).toEqual([{ attempt: 1, outcome: 'completed' }]);
  });

  it('turns a second writer away with the id of the first, and lets them in after its end', async () => {
    const { promise, open } = gate();
    world.script.run = () => promise.then(() => ({}));
    const graphId = new Ids().graph();
    const first = await world.begin({}, graphId);
    const refusal = world.begin({}, graphId);
    await expect(refusal).rejects.toBeInstanceOf(OperationConflict);
    await expect(refusal).rejects.toMatchObject({
      code: 'operation_in_progress',
      details: { operation_id: first.id, operation_type: 'test_work', status_url: `/v1/operations/${first.id}/status` },
    });
    expect(await world.query('select id from operation where graph_id = $1', [graphId])).toEqual([{ id: first.id }]);
    open();
    await world.ended(first.id);
    await world.ended((await world.begin({}, graphId)).id);
  });

  it('lets one of two writers at once in', async () => {
    const { promise, open } = gate();
    world.script.run = () => promise.then(() => ({}));
    const graphId = new Ids().graph();
    const results = await Promise.allSettled([1, 2, 3].map(() => world.begin({}, graphId)));
    open();
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const result of results) if (result.status === 'fulfilled') await world.ended(result.value.id);
  });

  it('is neither stored nor run when the transaction that began it fails', async () => {
    let runs = 0;
    world.script.run = async () => ({ runs: ++runs });
    const doomed = world.tx.run(async (em) => {
      await world.operations.begin(em, HastyWork, { actor: TEST_ACTOR, orgId: null, graphId: null, payload: {} });
      throw new Error('changed my mind');
    });
    await expect(doomed).rejects.toThrow('changed my mind');
    await world.ended((await world.beginHasty()).id);
    expect(runs).toBe(1);
  });

  it('is retried after a passing failure and completes', async () => {
    world.script.run = async ({ attempt }) => {
      if (attempt === 1) throw new EngineGone('The engine process has ended');
      return { attempt };
    };
    const { id } = await world.begin();
    expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { attempt: 2 } });
    expect(await world.eventTypes(id)).toEqual([
      'queue_update',
      'operation_started',
      'operation_retrying',
      'operation_started',
      'operation_completed',
    ]);
    expect(world.script.aftermaths).not.toContain(id);
  });

  it('becomes a dead letter when its attempts are used up', async () => {
    world.script.run = async () => {
      throw new EngineGone('The engine process has ended');
    };
    const { id } = await world.begin({ note: 'keep me' });
    expect(await world.ended(id)).toMatchObject({ status: 'failed', attempt: 2, error: { code: 'engine_gone' } });
    const [letter] = await world.query('select * from dead_letter where operation_id = $1', [id]);
    expect(letter).toMatchObject({
      reason: 'attempts_used_up',
      payload: { note: 'keep me' },
      attempts: [
        { attempt: 1, outcome: 'retry' },
        { attempt: 2, outcome: 'failed', error: { code: 'engine_gone' } },
      ],
    });
    expect((await world.events(id)).at(-1)).toMatchObject({
      type: 'operation_error',
      data: { error_details: { dead_letter: true } },
    });
  });

  it("fails at once on a user's mistake, with its aftermath and without a dead letter", async () => {
    world.script.run = async () => {
      throw new BadFile('Row 7 has no key');
    };
    const { id } = await world.begin();
    const operation = await world.ended(id);
    expect(operation).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'bad_file', message: 'Row 7 has no key' },
    });
    expect(world.script.aftermaths).toContain(id);
    expect(await locks()).toEqual([]);
    expect(await world.query('select 1 from dead_letter where operation_id = $1', [id])).toEqual([]);
  });

  it('tells nothing internal when something unexpected is thrown', async () => {
    world.script.run = async () => {
      throw new Error('select * from secret at /home/x');
    };
    const { id } = await world.begin();
    expect(JSON.stringify(await world.ended(id))).not.toContain('secret');
    expect(JSON.stringify(await world.events(id))).not.toContain('secret');
    expect(await world.query('select reason from dead_letter where operation_id = $1', [id])).toEqual([
      { reason: 'unexpected_error' },
    ]);
  });

  it('fails with operation_timeout when it takes too long', async () => {
    world.script.run = ({ signal }) => untilAborted(signal);
    const { id } = await world.beginHasty();
    expect(await world.ended(id)).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'operation_timeout' } });
  });

  it('ends as dead letter when its payload cannot be read', async () => {
    const held = gate();
    world.script.run = () => held.promise.then(() => ({}));
    const { id } = await world.tx.run(async (em) => {
      const operation = await world.operations.begin(em, HastyWork, {
        actor: null,
        orgId: null,
        graphId: null,
        payload: {},
      });
      await em.query(`update operation set payload = '{"other": 1}' where id = $1`, [operation.id]);
      return operation;
    });
    expect(await world.ended(id)).toMatchObject({ status: 'failed', error: { code: 'invalid_operation_payload' } });
    expect(await world.query('select reason from dead_letter where operation_id = $1', [id])).toEqual([
      { reason: 'invalid_payload' },
    ]);
  });

  describe('that is cancelled', () => {
    it('stops while it runs, once, and refuses a cancel after its end', async () => {
      const asked = gate();
      world.script.run = async ({ signal }) => {
        // Ends only when both requests were answered: one that comes after the end is refused.
        await asked.promise;
        return untilAborted(signal);
      };
      const { id } = await world.begin();
      await world.until(id, ({ status }) => status === 'running');
      await Promise.all([world.operations.cancel(TEST_ACTOR, id), world.operations.cancel(TEST_ACTOR, id)]);
      asked.open();
      expect(await world.ended(id)).toMatchObject({ status: 'cancelled', attempt: 1 });
      expect((await world.eventTypes(id)).filter((type) => type === 'operation_cancelled')).toHaveLength(1);
      expect(await locks()).toEqual([]);
      expect(world.script.aftermaths).toContain(id);
      await expect(world.operations.cancel(TEST_ACTOR, id)).rejects.toBeInstanceOf(OperationEnded);
    });

    it('is completed all the same where its work is published by then, whoever ends it', async () => {
      for (const lost of [false, true]) {
        const published = gate();
        const over = gate();
        world.script.run = async (ctx) => {
          await ctx.transaction((em) => ctx.keepResult(em, { loaded: 1 }));
          published.open();
          if (lost) await over.promise;
          return untilAborted(ctx.signal);
        };
        const { id } = await world.begin();
        await published.promise;
        if (lost)
          await world.query(`update operation set lease_expires_at = now() - interval '1 s' where id = $1`, [id]);
        await world.operations.cancel(TEST_ACTOR, id);
        if (lost) await world.app.get(Reaper).look();
        expect(await world.ended(id)).toMatchObject({ status: 'completed', attempt: 1, result: { loaded: 1 } });
        over.open();
        expect((await world.eventTypes(id)).at(-1)).toBe('operation_completed');
        expect(await locks()).toEqual([]);
      }
    });

    it('ends without work that does not listen, and refuses what that work writes later', async () => {
      const late = gate<OperationContext>();
      const goOn = gate();
      world.script.run = async (ctx) => {
        late.open(ctx);
        await goOn.promise;
        return {};
      };
      const { id } = await world.begin();
      const ctx = await late.promise;
      await world.operations.cancel(TEST_ACTOR, id);
      expect(await world.ended(id)).toMatchObject({ status: 'cancelled' });
      await expect(ctx.transaction(async () => 'written')).rejects.toBeInstanceOf(StaleAttemptError);
      goOn.open();
      expect(await world.eventTypes(id)).toEqual(['queue_update', 'operation_started', 'operation_cancelled']);
    });

    it('ends at once while it is pending, and is not run when it is delivered', async () => {
      const ran: string[] = [];
      world.script.run = async ({ operationId }) => ({ ran: ran.push(operationId) });
      const queue = world.app.get(Queues).of('test_work')!;
      await queue.pause();
      const { id } = await world.begin();
      await world.app.get(Dispatcher).delivered();
      await world.operations.cancel(TEST_ACTOR, id);
      expect(await world.ended(id)).toMatchObject({ status: 'cancelled', attempt: 0 });
      const delivered = workedOff(`${id}.0`);
      await queue.resume();
      await delivered;
      expect(ran).toEqual([]);
      expect(await world.eventTypes(id)).toEqual(['queue_update', 'operation_cancelled']);
    });

    it('is refused where the policy says so', async () => {
      const { promise, open } = gate();
      world.script.run = () => promise.then(() => ({}));
      const { id } = await world.beginHasty();
      await expect(world.operations.cancel(TEST_ACTOR, id)).rejects.toMatchObject({
        code: 'operation_not_cancellable',
      });
      open();
      await world.ended(id);
    });
  });

  it('does nothing when it is delivered twice', async () => {
    const { promise, open } = gate();
    let runs = 0;
    world.script.run = async () => {
      runs += 1;
      await promise;
      return {};
    };
    const { id } = await world.begin();
    await world.until(id, ({ status }) => status === 'running');
    const delivered = workedOff('again');
    await world.app.get(Queues).of('test_work')!.add('test_work', { operationId: id }, { jobId: 'again' });
    await delivered;
    open();
    await world.ended(id);
    expect(runs).toBe(1);
    expect((await world.eventTypes(id)).filter((type) => type === 'operation_started')).toHaveLength(1);
  });

  describe('whose worker goes silent', () => {
    it('is run again, and what the old attempt writes is refused', async () => {
      const contexts: OperationContext[] = [];
      const second = gate<OperationContext>();
      const finish = gate();
      world.script.run = async (ctx) => {
        contexts.push(ctx);
        if (ctx.attempt === 1) return new Promise(() => {});
        second.open(ctx);
        await finish.promise;
        return { attempt: ctx.attempt };
      };
      const { id } = await world.begin();
      await world.until(id, ({ status }) => status === 'running');
      await world.expireLease(id);
      await Promise.all([world.app.get(Reaper).look(), world.app.get(Reaper).look()]);
      await second.promise;

      const [old] = contexts;
      await expect(old.transaction(async () => 'written')).rejects.toBeInstanceOf(StaleAttemptError);
      const log = world.app.get(OperationLog);
      const before = log.refusedWrites;
      expect(await log.write({ operationId: id, attempt: 1, event: cancelled('late') })).toBeNull();
      expect(
        await log.write({ operationId: id, attempt: 1, event: progressed({ percent: 1, message: 'late' }) }),
      ).toBeNull();
      expect(log.refusedWrites).toBe(before + 2);

      finish.open();
      expect(await world.ended(id)).toMatchObject({ status: 'completed', result: { attempt: 2 } });
      expect(await world.eventTypes(id)).toEqual([
        'queue_update',
        'operation_started',
        'operation_retrying',
        'operation_started',
        'operation_completed',
      ]);
    });

    it('is told to stop when it renews a lease that is not its own any more', async () => {
      const aborted = gate<unknown>();
      world.script.run = async ({ signal, attempt }) => {
        if (attempt === 2) return {};
        signal.addEventListener('abort', () => aborted.open(signal.reason));
        return untilAborted(signal);
      };
      const { id } = await world.begin();
      await world.until(id, ({ status }) => status === 'running');
      await world.query(`update operation set worker_id = 'somebody else' where id = $1`, [id]);
      await world.app.get(RunningAttempts).renew();
      expect(await aborted.promise).toBeInstanceOf(StaleAttemptError);
      await world.expireLease(id);
      await world.app.get(Reaper).look();
      await world.ended(id);
    });

    it('becomes a dead letter when that was the last attempt', async () => {
      const second = gate();
      world.script.run = async ({ attempt }) => {
        if (attempt === 2) second.open();
        return new Promise(() => {});
      };
      const { id } = await world.begin();
      await world.until(id, ({ status }) => status === 'running');
      await world.expireLease(id);
      await world.app.get(Reaper).look();
      await second.promise;
      await world.expireLease(id);
      await world.app.get(Reaper).look();
      expect(await world.ended(id)).toMatchObject({ status: 'failed', error: { code: 'worker_lost' } });
      const [letter] = await world.query('select * from dead_letter where operation_id = $1', [id]);
      expect(letter).toMatchObject({ attempts: [{ outcome: 'lost' }, { outcome: 'lost' }] });
      expect(world.script.aftermaths).toContain(id);
      expect(await locks()).toEqual([]);
    });
  });

  it('is delivered again by the sweeper when the queue was emptied', async () => {
    const queue = world.app.get(Queues).of('test_work')!;
    await queue.pause();
    const { id } = await world.begin();
    await world.app.get(Dispatcher).delivered();
    await queue.obliterate({ force: true });
    await queue.resume();
    await world.app.get(Sweeper).look();
    expect(await world.ended(id)).toMatchObject({ status: 'completed' });
  });
});
