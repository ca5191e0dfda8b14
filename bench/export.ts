import { dirname, join } from 'node:path';
import { BenchChild } from './lib/child';
import { hostLimits } from './lib/engine-limits';
import { FlightsGraph } from './lib/flights-graph';
import { HttpClient } from './lib/http-client';
import { watchMemory } from './lib/memory-watch';
import { BenchPlatform } from './lib/platform';
import { atMost, figure, type Report } from './lib/report';
import { median, pairedRatios, pause, until } from './lib/stats';
import { copyGraphFile } from './lib/graph-copy';

const ROWS = 1_000_000;
const STATEMENT = `MATCH ()-[f:FLIGHT]->() RETURN f.date, f.delay, f.distance LIMIT ${ROWS}`;
const RUNS = 3;
const TIMEOUT_SECONDS = 120;
/** Answers in columns, beside what the engine itself needs to export the same rows. */
const PARQUET = 'application/vnd.apache.parquet';
const ARROW = 'application/vnd.apache.arrow.stream';
const MB = 1024 * 1024;
const SLOW_BYTES_PER_SECOND = MB;
const SLOW_MS = 6_000;

interface Exported {
  ms: number;
  firstByteMs: number;
  bytes: number;
  growth: number;
  /** The host's own time, waiting for the reader included. */
  hostMs: number;
}

interface Form {
  ms: number;
  bytes: number;
}

type Columnar = Record<'engine' | 'parquet' | 'arrow', Form>;

/** A million rows as NDJSON over HTTP, beside the time that the host's own query and serialiser take for them. */
export async function exportRows(): Promise<Report> {
  const platform = await BenchPlatform.start();
  const { graph, load } = await FlightsGraph.load(platform);
  const file = await copyGraphFile(platform.graphFile(graph.id, load.generation));
  const http = new HttpClient(platform, 1);
  const path = `${graph.queryPath}?mode=stream`;
  const host = BenchChild.start('host-main');
  await host.ask({ kind: 'open', file, ...hostLimits() });
  const serialise = () =>
    host.ask<{ ms: number; bytes: number }>({
      kind: 'serialise',
      statement: STATEMENT,
      timeoutMs: TIMEOUT_SECONDS * 1000,
    });
  // Opens the graph and fills both page caches, so that neither side pays for the disk.
  await http.call('POST', path, {
    query: 'MATCH ()-[f:FLIGHT]->() RETURN count(f.date), sum(f.delay), sum(f.distance)',
  });
  await serialise();
  await checkLines(http, path);
  const exports: Exported[] = [];
  const hostMs: number[] = [];
  const columnar: Columnar[] = [];
  const engineFile = join(dirname(file), 'export.parquet');
  for (let run = 0; run < RUNS; run += 1) {
    exports.push(await exportOnce(platform, http, path));
    hostMs.push((await serialise()).ms);
    const engine = await host.ask<Form>({ kind: 'copy', statement: STATEMENT, file: engineFile });
    columnar.push({ engine, parquet: await answerAs(http, path, PARQUET), arrow: await answerAs(http, path, ARROW) });
  }
  await host.end();
  const slow = await readSlowly(platform, http, path);
  http.close();
  await platform.dispose();
  const times = exports.map(({ ms }) => ms);
  const msOf = (form: keyof Columnar): number[] => columnar.map((one) => one[form].ms);
  return {
    name: 'export',
    findings: [
      atMost(
        `1M rows as NDJSON, by the host's query and serialising alone (median of ${RUNS} pairs)`,
        median(pairedRatios(times, hostMs)),
        2,
        'x',
      ),
      atMost(
        `1M rows as Parquet over HTTP, by the engine's own export to Parquet (median of ${RUNS} pairs)`,
        median(pairedRatios(msOf('parquet'), msOf('engine'))),
        2,
        'x',
      ),
      figure('the same as Arrow', median(pairedRatios(msOf('arrow'), msOf('engine'))), 'x'),
      figure("the engine's own export (median)", median(msOf('engine')) / 1000, 's'),
      figure('1M rows over HTTP (median)', median(times) / 1000, 's'),
      figure('the host alone (median)', median(hostMs) / 1000, 's'),
      figure('first byte (median)', median(exports.map(({ firstByteMs }) => firstByteMs)), 'ms'),
      figure('size', exports[0].bytes / MB, 'MB'),
      atMost('memory growth of the API process', Math.max(...exports.map(({ growth }) => growth)) / MB, 100, 'MB'),
      atMost('the same with a reader of 1 MB/s that leaves half-way', slow.growth / MB, 100, 'MB'),
    ],
    details: { exports, hostMs, columnar, slow },
  };
}

/** The whole answer in one form, read and thrown away. */
async function answerAs(http: HttpClient, path: string, accept: string): Promise<Form> {
  const started = performance.now();
  const body = { query: STATEMENT, timeout: TIMEOUT_SECONDS };
  const response = await http.open('POST', path, body, accept);
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
  return { ms: performance.now() - started, bytes };
}

/** Every line must be JSON, and their rows together all that were asked for: a fast export of nonsense is none. */
async function checkLines(http: HttpClient, path: string): Promise<void> {
  const wanted = 20_000;
  const answer = await http.call('POST', path, { query: STATEMENT.replace(String(ROWS), String(wanted)) });
  const lines = answer.toString().trimEnd().split('\n');
  const rows = lines.flatMap((line) => (JSON.parse(line) as { rows?: object[] }).rows ?? []);
  if (rows.length !== wanted) throw new Error(`${rows.length} rows were exported instead of ${wanted}`);
}

async function exportOnce(platform: BenchPlatform, http: HttpClient, path: string): Promise<Exported> {
  const memory = watchMemory(platform.pid);
  const started = performance.now();
  const response = await http.open('POST', path, { query: STATEMENT, timeout: TIMEOUT_SECONDS });
  let firstByteMs: number | undefined;
  let bytes = 0;
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    firstByteMs ??= performance.now() - started;
    bytes += chunk.length;
    tail = chunk.length > 4_096 ? chunk.subarray(-4_096) : Buffer.concat([tail.subarray(-4_096), chunk]);
  }
  const ms = performance.now() - started;
  const end = JSON.parse(tail.toString().trimEnd().split('\n').at(-1)!) as Record<string, number>;
  if (end.total_rows !== ROWS) throw new Error(`The export ended with ${JSON.stringify(end)}`);
  return { ms, firstByteMs: firstByteMs!, bytes, growth: memory.stop().growth, hostMs: end.execution_time_ms };
}

/** Takes a little now and then, and goes away before the end. */
async function readSlowly(platform: BenchPlatform, http: HttpClient, path: string) {
  const memory = watchMemory(platform.pid);
  const response = await http.open('POST', path, { query: STATEMENT, timeout: TIMEOUT_SECONDS });
  const started = performance.now();
  let bytes = 0;
  while (performance.now() - started < SLOW_MS) {
    const allowed = ((performance.now() - started) / 1000) * SLOW_BYTES_PER_SECOND;
    // Only what may be read by now; the rest stays with the sender.
    const chunk = bytes < allowed ? (response.read() as Buffer | null) : null;
    bytes += chunk?.length ?? 0;
    if (chunk === null) await pause(10);
  }
  response.destroy();
  const seconds = (performance.now() - started) / 1000;
  const { growth } = memory.stop();
  // The graph must be of use at once to others.
  await until('another answer after the reader left', 5_000, () =>
    http.call('POST', path, { query: 'RETURN 1 AS one' }).then(() => true),
  );
  return { bytes, bytesPerSecond: bytes / seconds, growth };
}
