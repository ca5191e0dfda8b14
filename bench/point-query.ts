import { dirname } from 'node:path';
import { Confinement } from '../src/engine/confinement';
import { EngineConfig } from '../src/engine/engine.config';
import { HostFactory } from '../src/engine/ladybug/host-factory';
import type { HostProcess } from '../src/engine/ladybug/host-process';
import { BenchChild } from './lib/child';
import { onCleanup } from './lib/cleanup';
import { hostLimits } from './lib/engine-limits';
import { FlightsGraph } from './lib/flights-graph';
import { copyGraphFile } from './lib/graph-copy';
import { HttpClient } from './lib/http-client';
import { BenchPlatform } from './lib/platform';
import { cpuMs } from './lib/processes';
import { atMost, figure, type Report } from './lib/report';
import { spreadOf, timed } from './lib/stats';

const STATEMENT = 'MATCH (a:Airport {iata: $iata}) RETURN a.city';
const ROUNDS = 5;
const QUERIES_PER_ROUND = 600;
const WARM_UP = 500;
const CLIENTS = 64;
const CROWD_MS = 6_000;

type Airport = { iata: string };
type Ask = (airports: Airport[]) => Promise<number[]>;

/** One node by its key: the engine's prepared query, the same through a host process, and the same over HTTP. */
export async function pointQuery(): Promise<Report> {
  const platform = await BenchPlatform.start();
  const { graph, load } = await FlightsGraph.load(platform);
  const copy = await copyGraphFile(platform.graphFile(graph.id, load.generation));
  const direct = await openDirectly(copy);
  const host = await openHost(dirname(copy));
  const http = new HttpClient(platform, 1);
  const airports = await readAirports(http, graph.queryPath);
  const ways: Record<string, Ask> = {
    engine: (parameters) => direct.ask<number[]>({ kind: 'prepared', statement: STATEMENT, parameters }),
    host: each((airport) => queryHost(host, airport)),
    http: each((parameters) => http.call('POST', graph.queryPath, { query: STATEMENT, parameters })),
    // What any request costs: routing, and one statement in Postgres.
    status: each(() => http.call('GET', '/v1/status')),
  };
  const times = Object.fromEntries(Object.keys(ways).map((way) => [way, [] as number[]]));
  for (const ask of Object.values(ways)) await ask(pick(airports, WARM_UP));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [way, ask] of Object.entries(ways)) times[way].push(...(await ask(pick(airports, QUERIES_PER_ROUND))));
  }
  const crowd = await askInCrowd(platform, graph.queryPath, airports);
  http.close();
  host.kill({ why: 'closed' });
  await host.ended;
  await direct.end();
  await platform.dispose();
  const [engine, viaHost, viaHttp] = [spreadOf(times.engine), spreadOf(times.host), spreadOf(times.http)];
  return {
    name: 'point-query',
    findings: [
      atMost('p50 over HTTP above the prepared query in the host', viaHttp.p50 - engine.p50, 2, 'ms'),
      figure('prepared query in the host, p50', engine.p50, 'ms'),
      figure('prepared query in the host, p99', engine.p99, 'ms'),
      figure("through the host's process and protocol, p50", viaHost.p50, 'ms'),
      figure('over HTTP, p50', viaHttp.p50, 'ms'),
      figure('over HTTP, p99', viaHttp.p99, 'ms'),
      figure(`over HTTP, ${CLIENTS} clients`, crowd.perSecond, 'requests/s'),
      figure(`over HTTP, ${CLIENTS} clients, p50`, crowd.p50, 'ms'),
      figure(`over HTTP, ${CLIENTS} clients, p99`, crowd.p99, 'ms'),
      figure(`CPU of the API process per query, ${CLIENTS} clients`, crowd.cpuMsPerQuery, 'ms'),
    ],
    details: { engine, host: viaHost, http: viaHttp, status: spreadOf(times.status), crowd },
  };
}

/** One after another; the time of each. */
function each(ask: (airport: Airport) => Promise<unknown>): Ask {
  return async (airports) => {
    const times: number[] = [];
    for (const airport of airports) times.push((await timed(() => ask(airport))).ms);
    return times;
  };
}

function pick(airports: Airport[], count: number): Airport[] {
  return Array.from({ length: count }, () => airports[Math.floor(Math.random() * airports.length)]);
}

async function readAirports(http: HttpClient, path: string): Promise<Airport[]> {
  const answer = await http.call('POST', path, { query: 'MATCH (a:Airport) RETURN a.iata AS iata' });
  return (JSON.parse(answer.toString()) as { data: Airport[] }).data;
}

async function openDirectly(file: string): Promise<BenchChild> {
  const child = BenchChild.start('host-main');
  await child.ask({ kind: 'open', file, ...hostLimits() });
  return child;
}

async function openHost(directory: string): Promise<HostProcess> {
  const config = new EngineConfig();
  const host = await new HostFactory(config, await Confinement.probe(config.confinement)).reader(directory);
  onCleanup(async () => {
    host.kill({ why: 'closed' });
    await host.ended;
  });
  return host;
}

async function queryHost(host: HostProcess, parameters: Airport): Promise<void> {
  const query = host.query({ statement: STATEMENT, parameters, timeoutMs: 60_000, format: 'json' });
  let rows = 0;
  for await (const batch of (await query.ready).batches) rows += batch.rows;
  if (rows !== 1) throw new Error(`${rows} rows instead of one`);
}

async function askInCrowd(platform: BenchPlatform, path: string, airports: Airport[]) {
  const http = new HttpClient(platform, CLIENTS);
  const times: number[] = [];
  const started = performance.now();
  const cpuBefore = cpuMs([platform.pid]);
  const client = async (): Promise<void> => {
    while (performance.now() - started < CROWD_MS) {
      const [parameters] = pick(airports, 1);
      times.push((await timed(() => http.call('POST', path, { query: STATEMENT, parameters }))).ms);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (performance.now() - started) / 1000;
  http.close();
  const cpuMsPerQuery = (cpuMs([platform.pid]) - cpuBefore) / times.length;
  return { ...spreadOf(times), perSecond: times.length / seconds, cpuMsPerQuery };
}
