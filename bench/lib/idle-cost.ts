import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { watchCpu } from './cpu-watch';
import type { BenchPlatform } from './platform';
import { cpuMs } from './processes';
import type { QueueServer } from './valkey';
import { pause } from './stats';

const CPU_MS = 15_000;
const STATEMENTS_MS = 15_000;

export interface IdleCost {
  /** Of one core, over all processes: the platform, Postgres and a queue server. */
  cpuPercent: number;
  statementsPerSecond: number;
  /** By the application_name of the connection. */
  statementsBy: Record<string, number>;
}

/** What a platform that nobody uses costs. Its statements are counted by Postgres' own log, after its CPU time. */
export async function idleCost(platform: BenchPlatform, database: Client, server?: QueueServer): Promise<IdleCost> {
  const cpu = await watchCpu(platform);
  const pids = server?.pid === undefined ? [] : [server.pid];
  const serverBefore = cpuMs(pids);
  await pause(CPU_MS);
  const usedMs = cpu.stop() + cpuMs(pids) - serverBefore;
  const { seconds, by } = await countStatements(platform, database);
  const statements = Object.values(by).reduce((sum, n) => sum + n, 0);
  return {
    cpuPercent: (usedMs / CPU_MS) * 100,
    statementsPerSecond: statements / seconds,
    statementsBy: Object.fromEntries(Object.entries(by).map(([name, n]) => [name, n / seconds])),
  };
}

async function countStatements(
  platform: BenchPlatform,
  database: Client,
): Promise<{ seconds: number; by: Record<string, number> }> {
  const log = join(platform.dataDir, 'postgres', 'postgres.log');
  const set = async (settings: Record<string, string>): Promise<void> => {
    for (const [name, value] of Object.entries(settings)) await database.query(`alter system set ${name} = '${value}'`);
    await database.query('select pg_reload_conf()');
  };
  await set({ log_line_prefix: '<%a> ', log_statement: 'all' });
  await pause(500);
  const before = (await readFile(log)).length;
  const started = performance.now();
  await pause(STATEMENTS_MS);
  const text = (await readFile(log)).subarray(before).toString();
  const seconds = (performance.now() - started) / 1000;
  await set({ log_statement: 'none' });
  const by: Record<string, number> = {};
  for (const [, name] of text.matchAll(/^<([^>\n]*)> LOG: {2}(?:statement|execute)\b/gm))
    by[name] = (by[name] ?? 0) + 1;
  return { seconds, by };
}
