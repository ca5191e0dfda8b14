import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CopyAnswer, CopyQuestion } from './copy-main';
import { BenchChild } from './lib/child';
import { onCleanup } from './lib/cleanup';
import { watchCpu } from './lib/cpu-watch';
import { loaderLimits } from './lib/engine-limits';
import { FlightsGraph, type Load } from './lib/flights-graph';
import { HttpClient } from './lib/http-client';
import { type LoopDelay, LoopDelayProbe } from './lib/loop-delay';
import { phasesOf } from './lib/phases';
import { BenchPlatform } from './lib/platform';
import { makeReadyTables, type ReadyTables } from './lib/ready-parquet';
import { atMost, figure, type Finding, type Report } from './lib/report';
import { median, pairedRatios, pause, quantile, spreadOf, timed } from './lib/stats';

const RUNS = 3;
const POLL_EVERY_MS = 20;

interface Run {
  platform: Load & { loopDelay: LoopDelay; statusMs: number[]; cpuMs: number };
  engine: CopyAnswer;
}

/** The demo's three million rows from request to published generation, beside the engine's own COPY of the same rows. */
export async function materialize(): Promise<Report> {
  const directory = await mkdtemp(join(tmpdir(), 'gs-bench-copy-'));
  onCleanup(() => rm(directory, { recursive: true, force: true }));
  const tables = await makeReadyTables(directory);
  const probe = new LoopDelayProbe();
  const platform = await BenchPlatform.start(probe.settings());
  const graph = await FlightsGraph.stage(platform);
  const runs: Run[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const viaPlatform = await loadByPlatform(platform, graph, probe);
    if (viaPlatform.rows !== tables.rows) {
      throw new Error(`The platform loaded ${viaPlatform.rows} rows, the engine alone ${tables.rows}`);
    }
    runs.push({ platform: viaPlatform, engine: await loadByEngine(tables, join(directory, `copy-${run}.lbug`)) });
  }
  await platform.dispose();
  return { name: 'materialize', findings: findingsOf(runs), details: detailsOf(tables, runs) };
}

async function loadByPlatform(
  platform: BenchPlatform,
  graph: FlightsGraph,
  probe: LoopDelayProbe,
): Promise<Run['platform']> {
  const http = new HttpClient(platform, 1);
  await http.call('GET', '/v1/status');
  await probe.take(platform);
  const statusMs: number[] = [];
  let loading = true;
  const polling = (async () => {
    while (loading) {
      statusMs.push((await timed(() => http.call('GET', '/v1/status'))).ms);
      await pause(POLL_EVERY_MS);
    }
  })();
  // It may fail first, when the platform ends; it is awaited below in any case.
  polling.catch(() => undefined);
  try {
    const cpu = await watchCpu(platform);
    const load = await graph.materialize();
    const loopDelay = await probe.take(platform);
    return { ...load, loopDelay, statusMs, cpuMs: cpu.stop() };
  } finally {
    loading = false;
    await polling.finally(() => http.close());
  }
}

async function loadByEngine({ definitions, copies }: ReadyTables, file: string): Promise<CopyAnswer> {
  const child = BenchChild.start('copy-main');
  const question: CopyQuestion = { file, definitions, copies, ...loaderLimits() };
  const answer = await child.ask<CopyAnswer>(question);
  await child.end();
  await stat(file);
  await rm(file);
  return answer;
}

function findingsOf(runs: Run[]): Finding[] {
  const platformMs = runs.map(({ platform }) => platform.ms);
  const engineMs = runs.map(({ engine }) => engine.copyMs);
  const ratios = pairedRatios(platformMs, engineMs);
  const delays = runs.map(({ platform }) => platform.loopDelay);
  const status = runs.flatMap(({ platform }) => platform.statusMs);
  return [
    atMost(`request to published, by the engine's own COPY (median of ${RUNS} pairs)`, median(ratios), 1.5, 'x'),
    figure('the same, best pair', quantile(ratios, 0), 'x'),
    figure(
      'CPU time of all processes, by that of the engine alone (median)',
      median(
        pairedRatios(
          runs.map(({ platform }) => platform.cpuMs),
          runs.map(({ engine }) => engine.cpuMs),
        ),
      ),
      'x',
    ),
    figure('request to published (median)', median(platformMs) / 1000, 's'),
    figure("the engine's own COPY of ready Parquet (median)", median(engineMs) / 1000, 's'),
    atMost('event-loop delay of the platform meanwhile, p99', Math.max(...delays.map(({ p99 }) => p99)), 50, 'ms'),
    figure('event-loop delay, max', Math.max(...delays.map(({ max }) => max)), 'ms'),
    figure('GET /v1/status meanwhile, p99', quantile(status, 0.99), 'ms'),
  ];
}

function detailsOf({ rows }: ReadyTables, runs: Run[]): object {
  return {
    rows,
    runs: runs.map(({ platform, engine }) => ({
      platformMs: platform.ms,
      platformCpuMs: platform.cpuMs,
      platformPhases: phasesOf(platform),
      engine,
      loopDelayMs: platform.loopDelay,
      statusMs: spreadOf(platform.statusMs),
    })),
  };
}
