import type { Crowd } from './crowd-main';
import { BenchChild } from './lib/child';
import { FlightsGraph } from './lib/flights-graph';
import { HttpClient } from './lib/http-client';
import { BenchPlatform } from './lib/platform';
import { type Reads, Readers } from './lib/readers';
import { atMost, figure, type Report } from './lib/report';
import { quantile } from './lib/stats';

const CROWD = 100;
/** Constant readers of the measured graph. */
const READERS = 4;
/** Quiet, busy and crowded come in turn, so that what else the machine does falls on all of them. */
const ROUNDS = 4;
const ROUND_MS = 4_000;
/** Keeps the process of its graph busy and gives one row: what is measured is not the sending of rows. */
const HEAVY =
  'MATCH (a:Airport)-[f:FLIGHT]->(b:Airport) WHERE f.delay > 10 RETURN count(*) AS n, avg(f.distance) AS miles';
/** The other graph may be that much slower. */
const GOAL = 1.2;

/** What constant readers of one graph notice of another graph: of its many readers, and of one host that never rests. */
export async function neighbour(): Promise<Report> {
  const platform = await BenchPlatform.start();
  const { graph: measured } = await FlightsGraph.load(platform);
  const { graph: noisy } = await FlightsGraph.load(platform);
  const readers = Readers.start(platform, measured.queryPath, READERS);
  await readers.over(2_000);
  const crowd = BenchChild.start('crowd-main');
  const { url, apiKey } = platform;
  const order: Crowd = { url, apiKey, queryPath: noisy.queryPath, readers: CROWD, ms: ROUND_MS };
  const [quiet, busy, crowded, seen] = Array.from({ length: 4 }, (): Reads => ({ ms: [], failed: 0 }));
  for (let round = 0; round < ROUNDS; round += 1) {
    add(quiet, await readers.over(ROUND_MS));
    add(busy, await readers.during(() => keepBusy(platform, noisy, ROUND_MS)));
    add(crowded, await readers.during(async () => add(seen, await crowd.ask<Reads>(order))));
  }
  await crowd.end();
  await readers.stop();
  await platform.dispose();
  const p99 = ({ ms }: Reads): number => quantile(ms, 0.99);
  return {
    name: 'neighbour',
    findings: [
      figure(`p99 of ${READERS} constant readers of a graph, alone`, p99(quiet), 'ms'),
      atMost('their p99 while the host of another graph is kept busy, by that', p99(busy) / p99(quiet), GOAL, 'x'),
      atMost(`their p99 while another graph has ${CROWD} readers, by that`, p99(crowded) / p99(quiet), GOAL, 'x'),
      figure(`reads of the ${CROWD} readers`, seen.ms.length / ((ROUNDS * ROUND_MS) / 1000), 'requests/s'),
      atMost('failed reads', quiet.failed + busy.failed + crowded.failed, 0, ''),
    ],
    details: Object.fromEntries(
      Object.entries({ quiet, busy, crowded, crowd: seen }).map(([name, { ms, failed }]) => [
        name,
        { reads: ms.length, failed, p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), max: quantile(ms, 1) },
      ]),
    ),
  };
}

function add(to: Reads, { ms, failed }: Reads): void {
  to.ms.push(...ms);
  to.failed += failed;
}

/** One statement after the other, each of which occupies the graph's host. */
async function keepBusy(platform: BenchPlatform, graph: FlightsGraph, ms: number): Promise<void> {
  const http = new HttpClient(platform, 1);
  const end = performance.now() + ms;
  while (performance.now() < end) await http.call('POST', graph.queryPath, { query: HEAVY });
  http.close();
}
