import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { FlightsGraph, type Load } from './lib/flights-graph';
import { HttpClient } from './lib/http-client';
import { phasesOf } from './lib/phases';
import { BenchPlatform } from './lib/platform';
import { Readers } from './lib/readers';
import { atMost, figure, type Report } from './lib/report';
import { median, quantile } from './lib/stats';

const LOADS = 5;
/** Between two loads: by then the log of the first was merged into a copy of the file. */
const PAUSE_MS = 3_000;
const ROWS = 5_000;
const READERS = 16;
const QUIET_MS = 8_000;

interface Addition {
  load: Load;
  /** From the request until a query gave the new rows. */
  queryableMs: number;
  /** Length of the log beside the database file; 0 where the load has merged it. */
  logBytes: number;
}

/** New rows in the graph of three million, and what its readers notice of loads. */
export async function incremental(): Promise<Report> {
  const platform = await BenchPlatform.start();
  const http = new HttpClient(platform, 1);
  const { graph } = await FlightsGraph.load(platform);
  const count = async (): Promise<number> => {
    const query =
      "MATCH (a:Airport)-[f:FLIGHT]->(:Airport {iata: 'ORD'}) WHERE a.country = 'Bench' RETURN count(*) AS n";
    return Number(
      (JSON.parse((await http.call('POST', graph.queryPath, { query })).toString()) as { data: { n: number }[] })
        .data[0].n,
    );
  };
  await count();
  const additions: Addition[] = [];
  for (let at = 0; at < 2 * LOADS; at += 1) {
    if (at < LOADS) await delay(PAUSE_MS);
    await graph.stageFile('Airport', 'airports.csv', 'text/csv', airports(at));
    await graph.stageFile('FLIGHT', 'flights.csv', 'text/csv', flights(at));
    const started = performance.now();
    const load = await graph.materialize({ mode: 'incremental' });
    const found = await count();
    const queryableMs = performance.now() - started;
    if (found !== (at + 1) * ROWS || load.rows !== 2 * ROWS) throw new Error(`${found} flights are there`);
    const log = await stat(`${platform.graphFile(graph.id, load.generation)}.wal`).catch(() => ({ size: 0 }));
    additions.push({ load, queryableMs, logBytes: log.size });
  }
  const readers = Readers.start(platform, graph.queryPath, READERS);
  const quiet = await readers.over(QUIET_MS);
  const rebuild = await readers.during(() => graph.materialize({ rebuild: true }));
  await graph.stageFile('Airport', 'airports.csv', 'text/csv', airports(2 * LOADS));
  await graph.stageFile('FLIGHT', 'flights.csv', 'text/csv', flights(2 * LOADS));
  const adding = await readers.during(() => graph.materialize({ mode: 'incremental' }));
  await readers.stop();
  http.close();
  await platform.dispose();
  const ms = additions.map(({ queryableMs }) => queryableMs);
  const [apart, atOnce] = [ms.slice(0, LOADS), ms.slice(LOADS)];
  const p99 = quantile(quiet.ms, 0.99);
  return {
    name: 'incremental',
    findings: [
      atMost(
        `${2 * ROWS} new rows in 3 million, from request to queryable (median of ${LOADS}, 3 s apart)`,
        median(apart) / 1000,
        1,
        's',
      ),
      figure('the worst of them', quantile(apart, 1) / 1000, 's'),
      figure('the same for loads one right after the other, median', median(atOnce) / 1000, 's'),
      figure('the worst of these, which waits for a log to be merged', quantile(atOnce, 1) / 1000, 's'),
      atMost(`failed reads of ${READERS} constant readers during a rebuild`, rebuild.failed, 0, ''),
      atMost('their p99 meanwhile, by the quiet one', quantile(rebuild.ms, 0.99) / p99, 3, 'x'),
      figure('the quiet one', p99, 'ms'),
      atMost('failed reads during an incremental load', adding.failed, 0, ''),
      atMost('their p99 meanwhile, by the quiet one', quantile(adding.ms, 0.99) / p99, 3, 'x'),
    ],
    details: {
      additions: additions.map(({ load, queryableMs, logBytes }) => ({
        queryableMs,
        logBytes,
        ms: load.ms,
        phases: phasesOf(load),
      })),
      readers: Object.fromEntries(
        Object.entries({ quiet, rebuild, adding }).map(([name, { ms: all, failed }]) => [
          name,
          { reads: all.length, failed, p50: quantile(all, 0.5), p99: quantile(all, 0.99), max: quantile(all, 1) },
        ]),
      ),
    },
  };
}

function airports(load: number): Buffer {
  const rows = Array.from({ length: ROWS }, (_, at) => `B${load}-${at},Bench ${at},Chicago,IL,Bench,41.5,-87.25`);
  return Buffer.from(`iata,name,city,state,country,latitude,longitude\n${rows.join('\n')}\n`);
}

function flights(load: number): Buffer {
  const rows = Array.from({ length: ROWS }, (_, at) => `B${load}-${at},ORD,2002-01-01 10:00:00,${at % 60},${at}`);
  return Buffer.from(`origin,destination,date,delay,distance\n${rows.join('\n')}\n`);
}
