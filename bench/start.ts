import type { StartedOperation } from '../src/demo/api-client';
import { processTree } from '../src/engine/ladybug/process-memory';
import { FlightsGraph } from './lib/flights-graph';
import { HttpClient } from './lib/http-client';
import { BenchPlatform } from './lib/platform';
import { atMost, figure, type Report } from './lib/report';
import { spreadOf, timed, until } from './lib/stats';

const GRAPHS = 50;
const WAKES = 15;
const OPEN_QUERIES = 200;
const QUERY = { query: 'MATCH (a:Airport {iata: $iata}) RETURN a.city', parameters: { iata: 'ORD' } };

interface Timed {
  enqueuedToStartedMs: number;
  requestedToDoneMs: number;
}

/** How long work waits: from the commit of an operation to its start, and from a query to the answer of a closed graph. */
export async function start(): Promise<Report> {
  const operations = await startOperations();
  const wakes = await wakeGraph();
  const enqueued = spreadOf(operations.map(({ enqueuedToStartedMs }) => enqueuedToStartedMs));
  const done = spreadOf(operations.map(({ requestedToDoneMs }) => requestedToDoneMs));
  const closed = spreadOf(wakes.closedMs);
  const open = spreadOf(wakes.openMs);
  return {
    name: 'start',
    findings: [
      atMost(`enqueue to start of an operation, p50 of ${GRAPHS}`, enqueued.p50, 20, 'ms'),
      figure('enqueue to start of an operation, p99', enqueued.p99, 'ms'),
      figure('an empty graph, from request to ready, p50', done.p50, 'ms'),
      figure(`query of a closed graph of 3M relationships, p50 of ${WAKES}`, closed.p50, 'ms'),
      atMost('query of a closed graph, max', closed.max, 500, 'ms'),
      figure('the same query of the open graph, p50', open.p50, 'ms'),
    ],
    details: { enqueuedToStartedMs: enqueued, requestedToDoneMs: done, closedMs: closed, openMs: open, operations },
  };
}

/** One after another, by the operations' own log: `created_at` of the operation and the time of its first event. */
async function startOperations(): Promise<Timed[]> {
  const platform = await BenchPlatform.start();
  const { api } = platform;
  const times: Timed[] = [];
  // The first one warms up and does not count.
  for (let graph = 0; graph <= GRAPHS; graph += 1) {
    let startedAt: string | undefined;
    const { ms, value } = await timed(async () => {
      const body = { metadata: { graph_name: `Empty ${graph}` } };
      const operation = await api.call<StartedOperation & { created_at: string }>('POST', '/v1/graphs', body);
      await api.watch(operation, ({ type, data }) => {
        if (type === 'operation_started') startedAt = String(data.timestamp);
      });
      return operation;
    });
    if (startedAt === undefined) throw new Error(`Operation ${value.operation_id} has no event of its start`);
    const enqueuedToStartedMs = Date.parse(startedAt) - Date.parse(value.created_at);
    if (graph > 0) times.push({ enqueuedToStartedMs, requestedToDoneMs: ms });
  }
  await platform.dispose();
  return times;
}

async function wakeGraph(): Promise<{ closedMs: number[]; openMs: number[] }> {
  const platform = await BenchPlatform.start({ ENGINE_IDLE_CLOSE_SECONDS: '1' });
  const { graph } = await FlightsGraph.load(platform);
  const http = new HttpClient(platform, 1);
  const ask = async (): Promise<number> => (await timed(() => http.call('POST', graph.queryPath, QUERY))).ms;
  const closedMs: number[] = [];
  const openMs: number[] = [];
  for (let wake = 0; wake < WAKES; wake += 1) {
    // Its hosts are the only children that the platform has now.
    await until('the graph to close', 30_000, () => (processTree(platform.pid).length === 1 ? true : undefined));
    closedMs.push(await ask());
  }
  await ask();
  for (let query = 0; query < OPEN_QUERIES; query += 1) openMs.push(await ask());
  http.close();
  await platform.dispose();
  return { closedMs, openMs };
}
