import { Client } from 'pg';
import { processTree } from '../src/engine/ladybug/process-memory';
import { watchCpu } from './lib/cpu-watch';
import { FlightsGraph } from './lib/flights-graph';
import { HttpClient } from './lib/http-client';
import { BenchPlatform } from './lib/platform';
import { memoryOf, nameOf } from './lib/processes';
import { atMost, figure, type Report } from './lib/report';
import { pause, until } from './lib/stats';

const SETTLE_MS = 5_000;
const IDLE_MS = 20_000;
const MB = 1024 * 1024;
/** The graph must stay open while it is measured open, and then close soon. */
const IDLE_CLOSE_SECONDS = 40;

interface Idle {
  processes: { name: string; rssMb: number; pssMb: number }[];
  rssMb: number;
  pssMb: number;
  cpuPercent: number;
  postgresTransactionsPerSecond: number;
}

/** What a platform with one loaded graph takes while nobody uses it: with the graph open, then with it closed. */
export async function idle(): Promise<Report> {
  const platform = await BenchPlatform.start({ ENGINE_IDLE_CLOSE_SECONDS: String(IDLE_CLOSE_SECONDS) });
  const { graph } = await FlightsGraph.load(platform);
  const http = new HttpClient(platform, 1);
  await http.call('POST', graph.queryPath, { query: 'MATCH ()-[f:FLIGHT]->() RETURN avg(f.delay) AS delay' });
  http.close();
  await pause(SETTLE_MS);
  const open = await observe(platform);
  await until('the graph to close', 60_000, () => (processTree(platform.pid).length === 1 ? true : undefined));
  await pause(SETTLE_MS);
  const closed = await observe(platform);
  await platform.dispose();
  return {
    name: 'idle',
    findings: [
      atMost('memory of all processes, graph open (RSS: shared pages count in each)', open.rssMb, 400, 'MB'),
      figure('the same, shared pages counted once (PSS)', open.pssMb, 'MB'),
      atMost('memory of all processes, graph closed (RSS)', closed.rssMb, 400, 'MB'),
      figure('the same, PSS', closed.pssMb, 'MB'),
      atMost(`CPU of all processes over ${IDLE_MS / 1000} s, graph open`, open.cpuPercent, 3, '% of a core'),
      figure('CPU of all processes, graph closed', closed.cpuPercent, '% of a core'),
      figure('transactions in Postgres, graph closed', closed.postgresTransactionsPerSecond, '/s'),
    ],
    details: { open, closed },
  };
}

async function observe(platform: BenchPlatform): Promise<Idle> {
  const postgres = await platform.postgres();
  const client = new Client({
    host: postgres.socketDirectory,
    port: postgres.port,
    user: 'postgres',
    database: 'postgres',
  });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const ourBackend = rows[0].pid;
  try {
    const processes = async () => (await platform.processes()).filter((pid) => pid !== ourBackend);
    const before = { transactions: await transactions(client), cpu: await watchCpu(platform), at: performance.now() };
    await pause(IDLE_MS);
    const seconds = (performance.now() - before.at) / 1000;
    const pids = await processes();
    const cpuPercent = (before.cpu.stop() / (seconds * 1000)) * 100;
    // One of them was ours.
    const made = (await transactions(client)) - before.transactions - 1;
    const each = pids.map((pid) => {
      const { rssBytes, pssBytes } = memoryOf([pid]);
      return { name: nameOf(pid), rssMb: rssBytes / MB, pssMb: pssBytes / MB };
    });
    return {
      processes: each,
      rssMb: each.reduce((sum, { rssMb }) => sum + rssMb, 0),
      pssMb: each.reduce((sum, { pssMb }) => sum + pssMb, 0),
      cpuPercent,
      postgresTransactionsPerSecond: made / seconds,
    };
  } finally {
    await client.end();
  }
}

async function transactions(client: Client): Promise<number> {
  const { rows } = await client.query<{ made: string }>(
    'select sum(xact_commit + xact_rollback) as made from pg_stat_database',
  );
  return Number(rows[0].made);
}
