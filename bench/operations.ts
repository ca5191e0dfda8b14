import { join } from 'node:path';
import type { Client } from 'pg';
import { watchCpu } from './lib/cpu-watch';
import { connectTo } from './lib/database';
import { HttpClient } from './lib/http-client';
import { type IdleCost, idleCost } from './lib/idle-cost';
import { NoopLoad, type Throughput, wrongRecords } from './lib/noop-load';
import { BenchPlatform } from './lib/platform';
import { cpuMs } from './lib/processes';
import { atLeast, atMost, type Finding, figure, leftOut, type Report } from './lib/report';
import { pause, quantile, timed, until } from './lib/stats';
import { type QueueServer, queueServer } from './lib/valkey';

const PRELOAD = join(__dirname, 'noop-operation.js');
const ALONE = 60;
const WARM_UP_MS = 4_000;
const MEASURED_MS = 12_000;
const PENDING = 10_000;
const CANCEL = '/v1/operations/cancel';

interface Measured {
  idle: IdleCost;
  startMs: number[];
  throughput: Throughput;
  cpuMsPerOperation: number;
  transactionsPerOperation: number;
  wrong: number;
  cancel?: { ms: number; left: number };
}

/** What an operation costs that does no work, with the queue in the embedded Postgres and with it on a real Redis-compatible server. */
export async function operations(): Promise<Report> {
  const embedded = await measure();
  const server = await queueServer();
  const redis = server && (await measure(server));
  await server?.end();
  return {
    name: 'operations',
    findings: [
      ...findings('queue in Postgres', embedded, 300),
      ...(redis
        ? findings('queue on Redis', redis, 600)
        : [leftOut('queue on Redis: NOT MEASURED, no server was found (see bench/README.md)')]),
    ],
    details: { embedded, redis: redis ?? null },
  };
}

function findings(profile: string, measured: Measured, target: number): Finding[] {
  const { idle, startMs, throughput, cpuMsPerOperation, wrong, cancel } = measured;
  const line = (text: string): string => `${profile}: ${text}`;
  return [
    atLeast(line('operations that do nothing, from request to end'), throughput.perSecond, target, '/s'),
    figure(line('the same: from request to end, p50'), throughput.p50Ms, 'ms'),
    figure(line('the same: CPU time of all processes for each'), cpuMsPerOperation, 'ms'),
    atMost(line('the same: incomplete records'), wrong, 0, ''),
    atMost(line('from an operation’s request to its start, nothing else to do, p50'), quantile(startMs, 0.5), 10, 'ms'),
    ...(cancel
      ? [atMost(line(`${PENDING} pending operations cancelled by one call`), cancel.ms / 1000, 5, 's')]
      : [leftOut(line(`${PENDING} pending operations cancelled by one call: there is no such route`))]),
    atMost(line('CPU of the whole idle platform'), idle.cpuPercent, 2, '% of a core'),
    atMost(line('statements of the whole idle platform'), idle.statementsPerSecond, 20, '/s'),
  ];
}

async function measure(server?: QueueServer): Promise<Measured> {
  const platform = await BenchPlatform.start({
    NODE_OPTIONS: `--require=${PRELOAD}`,
    ...(server && { QUEUE_URL: server.url }),
  });
  const database = await connectTo(platform);
  const http = new HttpClient(platform, 32);
  const { rows } = await database.query<{ org_id: string }>('select org_id from org_member limit 1');
  const path = `/bench/orgs/${rows[0].org_id}`;
  try {
    const startMs = await startAlone(http, `${path}/noop`, database);
    const idle = await idleCost(platform, database, server);
    const load = await underLoad(platform, http, `${path}/noop`, database, server);
    const cancel = await cancelAll(http, path, database);
    return { idle, startMs, ...load, cancel };
  } finally {
    http.close();
    await database.end();
    await platform.dispose();
  }
}

/** One operation at a time: milliseconds from the beginning of the request's transaction to the event of the start. */
async function startAlone(http: HttpClient, path: string, database: Client): Promise<number[]> {
  for (let n = 0; n < ALONE; n += 1) {
    await http.call('POST', path, {});
    await pause(100);
  }
  const { rows } = await database.query<{ ms: number }>(
    `select extract(epoch from e.created_at - o.created_at)::float8 * 1000 as ms
     from operation o join operation_event e on e.operation_id = o.id and e.type = 'operation_started'
     where o.type = 'bench_noop' order by o.id offset 10`,
  );
  return rows.map(({ ms }) => ms);
}

async function underLoad(
  platform: BenchPlatform,
  http: HttpClient,
  path: string,
  database: Client,
  server?: QueueServer,
) {
  const load = await NoopLoad.start(http, path, database);
  await pause(WARM_UP_MS);
  const pids = server?.pid === undefined ? [] : [server.pid];
  const before = { transactions: await transactions(database), server: cpuMs(pids), cpu: await watchCpu(platform) };
  const throughput = await load.measure(MEASURED_MS);
  const used = before.cpu.stop() + cpuMs(pids) - before.server;
  const made = (await transactions(database)) - before.transactions;
  await load.end();
  return {
    throughput,
    cpuMsPerOperation: used / throughput.completed,
    transactionsPerOperation: made / throughput.completed,
    wrong: await wrongRecords(database),
  };
}

async function transactions(database: Client): Promise<number> {
  const { rows } = await database.query<{ n: string }>(
    'select sum(xact_commit + xact_rollback) as n from pg_stat_database where datname is not null',
  );
  return Number(rows[0].n);
}

/** Undefined where the platform has no such route yet. */
async function cancelAll(http: HttpClient, path: string, database: Client): Promise<Measured['cancel']> {
  const { paths } = JSON.parse((await http.call('GET', '/openapi.json')).toString()) as { paths: object };
  if (!(CANCEL in paths)) return undefined;
  await http.call('POST', `${path}/held`, { count: PENDING / 2 });
  await http.call('POST', `${path}/held`, { count: PENDING / 2 });
  const pending = async (): Promise<number> => {
    const { rows } = await database.query<{ n: number }>(
      `select count(*)::int as n from operation where type = 'bench_held' and status = 'pending'`,
    );
    return rows[0].n;
  };
  await until('one of them to be running', 30_000, async () => ((await pending()) === PENDING - 1 ? true : undefined));
  const { ms } = await timed(() => http.call('POST', CANCEL, { operation_type: 'bench_held' }));
  return { ms, left: await pending() };
}
