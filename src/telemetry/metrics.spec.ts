import type { AssetReportsSensor } from '../dagster/asset-reports.sensor';
import { ForbiddenException, type ExecutionContext } from '@nestjs/common';
import { testDatabase, type TestDatabase } from '../../test/support/database';
import { gate, OperationsWorld, TEST_ACTOR } from '../../test/support/operations-world';
import type { AccessService } from '../auth/access.service';
import { RunningAttempts } from '../jobs/running-attempts';
import { OperationLog } from '../operations/operation-log';
import { OperationStreams } from '../operations/operation-streams';
import { StreamCounts } from '../operations/stream-counts';
import { OperationRetention } from '../operations/operation-retention';
import { OperationTypes } from '../operations/operation-types';
import { Metrics } from './metrics';
import { MetricsGuard } from './metrics.guard';
import { QueueDepths } from './queue-depths';

describe('metrics', () => {
  let database: TestDatabase;
  let world: OperationsWorld;

  beforeAll(async () => {
    database = await testDatabase();
    world = await OperationsWorld.start(database.url);
  });
  afterAll(async () => {
    await world?.close();
    await database?.drop();
  });

  /** The samples of a scrape by name with labels, asked of the database anew. */
  async function scrape(): Promise<Record<string, number>> {
    const { app, tx } = world;
    const metrics = new Metrics(
      new QueueDepths(tx),
      app.get(OperationTypes),
      app.get(OperationLog),
      app.get(StreamCounts),
      app.get(RunningAttempts),
      app.get(OperationRetention),
      { delivered: 3, dropped: 1 } as AssetReportsSensor,
    );
    const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    metrics.onApplicationShutdown();
    return Object.fromEntries(lines.map((line) => /^(.*) (\S+)$/.exec(line)!.slice(1)).map(([k, v]) => [k, Number(v)]));
  }

  it('say 0 where there is nothing', async () => {
    expect(await scrape()).toMatchObject({
      'graphstead_operations{type="test_work",status="pending"}': 0,
      'graphstead_operation_oldest_pending_seconds{type="hasty_work"}': 0,
      'graphstead_dead_letters{type="test_work"}': 0,
      graphstead_event_streams: 0,
      graphstead_refused_writes_total: 0,
      'graphstead_dagster_reports_total{outcome="delivered"}': 3,
      'graphstead_dagster_reports_total{outcome="dropped"}': 1,
    });
  });

  it('count what waits, runs, has ended and could not be done', async () => {
    const held = gate();
    const begun = gate();
    world.script.run = async () => {
      begun.open();
      await held.promise;
      return {};
    };
    const running = await world.begin();
    await begun.promise;
    await world.query(
      `insert into operation (id, type, status, payload, max_attempts, run_after, delivered_at)
       values ('op_waits', 'test_work', 'pending', '{}', 1, now() - interval '90 seconds', now())`,
    );
    const stream = await world.app
      .get(OperationStreams)
      .open(TEST_ACTOR.userId, running.id, {}, new AbortController().signal);
    const busy = await scrape();
    expect(busy).toMatchObject({
      'graphstead_operations{type="test_work",status="pending"}': 1,
      'graphstead_operations{type="test_work",status="running"}': 1,
      graphstead_worker_operations: 1,
      graphstead_event_streams: 1,
    });
    const oldest = busy['graphstead_operation_oldest_pending_seconds{type="test_work"}'];
    expect(oldest).toBeGreaterThanOrEqual(90);
    expect(oldest).toBeLessThan(120);
    stream!.destroy();
    await world.query(`delete from operation where id = 'op_waits'`);
    held.open();
    await world.ended(running.id);

    world.script.run = () => Promise.reject(new Error('a defect'));
    const [letter, resolved] = [await world.begin(), await world.begin()];
    await Promise.all([world.ended(letter.id), world.ended(resolved.id)]);
    await world.query(`update dead_letter set status = 'discarded' where operation_id = $1`, [resolved.id]);
    await world.app.get(OperationLog).write({
      operationId: letter.id,
      attempt: 1,
      event: { type: 'operation_progress', data: {} },
    });
    expect(await scrape()).toMatchObject({
      'graphstead_operations{type="test_work",status="running"}': 0,
      'graphstead_dead_letters{type="test_work"}': 1,
      'graphstead_attempts_ended_total{type="test_work",outcome="completed"}': 1,
      'graphstead_attempts_ended_total{type="test_work",outcome="failed"}': 2,
      graphstead_refused_writes_total: 1,
      graphstead_event_streams: 0,
    });
  });

  it('count the leases that a worker loses', async () => {
    const held = gate();
    const begun = gate();
    world.script.run = async ({ signal }) => {
      begun.open();
      await held.promise;
      signal.throwIfAborted();
      return {};
    };
    const { id } = await world.begin();
    await begun.promise;
    await world.query(`update operation set attempt = attempt + 1, worker_id = 'another' where id = $1`, [id]);
    const running = world.app.get(RunningAttempts);
    await running.renew();
    await running.renew();
    held.open();
    expect((await scrape()).graphstead_leases_lost_total).toBe(1);
    await world.query(`delete from operation where id = $1`, [id]);
  });

  it('ask the database once for all who ask within some seconds, and again after a failure', async () => {
    let asked = 0;
    let failing = true;
    const em = {
      query: async () => {
        asked += 1;
        if (failing) throw new Error('away');
        return [];
      },
    };
    const depths = new QueueDepths({ em } as never);
    await expect(depths.current()).rejects.toThrow('away');
    failing = false;
    await Promise.all([depths.current(), depths.current()]);
    await depths.current();
    // One statement that failed; then two, for three who asked.
    expect(asked).toBe(3);
  });

  it('know the processor time, the memory and the lag of the event loop', async () => {
    expect(Object.keys(await scrape())).toEqual(
      expect.arrayContaining([
        'process_cpu_seconds_total',
        'process_resident_memory_bytes',
        'nodejs_eventloop_lag_seconds',
      ]),
    );
  });
});

describe('MetricsGuard', () => {
  const door = (metricsToken: string | undefined, isOperator: boolean) =>
    new MetricsGuard({ metricsToken }, {
      authenticate: async (secret: string) => {
        if (secret !== 'key') throw new ForbiddenException('unknown');
        return { actor: { ...TEST_ACTOR, isOperator } };
      },
    } as unknown as AccessService);
  const enter = (guard: MetricsGuard, headers: Record<string, string>) =>
    guard.canActivate({
      switchToHttp: () => ({ getRequest: () => ({ headers, id: 'r', ip: null }) }),
    } as unknown as ExecutionContext);

  it('lets the token in where one is set, and operators always', async () => {
    expect(await enter(door('secret', false), { authorization: 'Bearer secret' })).toBe(true);
    expect(await enter(door('secret', true), { 'x-api-key': 'key' })).toBe(true);
    expect(await enter(door(undefined, true), { authorization: 'Bearer key' })).toBe(true);
  });

  it('refuses everybody else', async () => {
    await expect(enter(door('secret', false), {})).rejects.toMatchObject({ kind: 'unauthenticated' });
    await expect(enter(door('secret', false), { authorization: 'Bearer secre' })).rejects.toThrow('unknown');
    await expect(enter(door(undefined, false), { authorization: 'Bearer undefined' })).rejects.toThrow('unknown');
    await expect(enter(door('secret', false), { 'x-api-key': 'secret' })).rejects.toThrow('unknown');
    await expect(enter(door('secret', false), { 'x-api-key': 'key' })).rejects.toMatchObject({
      code: 'operator_required',
    });
  });
});
