import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { StartedOperation } from '../src/demo/api-client';
import { processTree } from '../src/engine/ladybug/process-memory';
import { BenchChild } from './lib/child';
import { onCleanup } from './lib/cleanup';
import { loaderLimits } from './lib/engine-limits';
import { FlightsGraph } from './lib/flights-graph';
import { copyGraphFile } from './lib/graph-copy';
import { BenchPlatform } from './lib/platform';
import { memoryOf } from './lib/processes';
import { atMost, figure, type Finding, type Report } from './lib/report';
import { median, pairedRatios, timed } from './lib/stats';
import type { SealingAnswer, SealingQuestion } from './sealing-main';

const RUNS = 3;
const MB = 1024 * 1024;
/** Of the large graph; `BACKUP_GB` makes it another one, 0 leaves it out. */
const LARGE_GB = Number(process.env.BACKUP_GB ?? 2);
/** What a row of it takes in the database: text that does not compress well. */
const ROW_BYTES = 420;
const MEMORY_EVERY_MS = 50;

type Made = { backup_id: string } & StartedOperation;

/** Backup and restore of the demo's graph beside the same work by hand, and the memory that they take for a large one. */
export async function backup(): Promise<Report> {
  const platform = await BenchPlatform.start({
    TIER_LIMITS: JSON.stringify({
      'ladybug-standard': {
        backups_per_day: 100,
        backup_gb: 1_000,
        max_file_mb: 100_000,
        storage_gb: 1_000,
        nodes: 100_000_000,
        rows_per_table: 100_000_000,
      },
    }),
  });
  const { graph, load } = await FlightsGraph.load(platform);
  const work = new Backups(platform, graph.id);
  const directory = await mkdtemp(join(tmpdir(), 'gs-bench-seal-'));
  onCleanup(() => rm(directory, { recursive: true, force: true }));
  const file = await copyGraphFile(platform.graphFile(graph.id, load.generation));
  const byHand = BenchChild.start('sealing-main');
  const question: SealingQuestion = { file, directory, ...loaderLimits() };
  // The first of each warms up and does not count.
  await work.restore((await work.make()).backupId);
  await byHand.ask(question);
  const made: { backupMs: number; restoreMs: number }[] = [];
  const hand: SealingAnswer[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { ms: backupMs, backupId } = await work.make();
    made.push({ backupMs, restoreMs: (await work.restore(backupId)).ms });
    hand.push(await byHand.ask<SealingAnswer>(question));
  }
  await byHand.end();
  const ratio = (what: 'backupMs' | 'restoreMs'): number =>
    median(
      pairedRatios(
        made.map((one) => one[what]),
        hand.map((one) => one[what]),
      ),
    );
  const large = LARGE_GB > 0 ? await largeGraph(platform) : { findings: [] };
  const size = (await stat(file)).size;
  await platform.dispose();
  const words = `of the demo's graph (${Math.round(size / MB)} MB), read back and counted, by checkpoint, copy, zstd and AES`;
  return {
    name: 'backup',
    findings: [
      atMost(`backup ${words} (median of ${RUNS} pairs)`, ratio('backupMs'), 1.5, 'x'),
      figure('backup (median)', median(made.map(({ backupMs }) => backupMs)) / 1000, 's'),
      atMost('restore of it, opened and counted, by AES, zstd, a file and opening', ratio('restoreMs'), 1.5, 'x'),
      figure('restore (median)', median(made.map(({ restoreMs }) => restoreMs)) / 1000, 's'),
      ...large.findings,
    ],
    details: { made, hand, bytes: size, ...large },
  };
}

/** Time and memory for a graph of some gigabytes. */
async function largeGraph(platform: BenchPlatform): Promise<{ findings: Finding[] } & Record<string, unknown>> {
  const { id, bytes } = await makeLarge(platform);
  const work = new Backups(platform, id);
  const before = memoryOf(processTree(platform.pid)).rssBytes;
  const watched = async <T>(task: () => Promise<T>): Promise<T & { growth: number; worker: number }> => {
    const start = memoryOf([platform.pid]).rssBytes;
    let [all, worker] = [0, 0];
    const timer = setInterval(() => {
      all = Math.max(all, memoryOf(processTree(platform.pid)).rssBytes);
      worker = Math.max(worker, memoryOf([platform.pid]).rssBytes);
    }, MEMORY_EVERY_MS);
    const value = await task().finally(() => clearInterval(timer));
    return { ...value, growth: all - before, worker: worker - start };
  };
  const made = await watched(() => work.make());
  const restored = await watched(() => work.restore(made.backupId));
  const gb = bytes / MB / 1024;
  const what = `of a graph of ${gb.toFixed(1)} GB`;
  return {
    findings: [
      figure(`backup ${what}`, made.ms / 1000, 's'),
      figure(`restore ${what}`, restored.ms / 1000, 's'),
      atMost(`growth of the platform and its children at a backup ${what}`, made.growth / MB, 150, 'MB'),
      atMost(`growth of the platform and its children at a restore ${what}`, restored.growth / MB, 150, 'MB'),
    ],
    large: { bytes, made, restored },
  };
}

async function makeLarge(platform: BenchPlatform): Promise<{ id: string; bytes: number }> {
  const { api } = platform;
  const columns = ['a', 'b', 'c', 'd', 'e', 'f'];
  const properties = [
    { name: 'id', type: 'INT64', is_primary_key: true },
    ...columns.map((name) => ({ name, type: 'STRING' })),
  ];
  const creation = await api.call<StartedOperation>('POST', '/v1/graphs', {
    metadata: { graph_name: 'Large' },
    custom_schema: { name: 'large', nodes: [{ name: 'Entry', properties }] },
  });
  await api.watch(creation, () => undefined);
  const directory = await mkdtemp(join(tmpdir(), 'gs-bench-large-'));
  const remove = onCleanup(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'entries.parquet');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const values = columns.map((name) => `sha256(i::varchar || '${name}') as ${name}`).join(', ');
  const rows = Math.round((LARGE_GB * 1024 * MB) / ROW_BYTES);
  await connection.run(`copy (select i as id, ${values} from range(${rows}) t(i)) to '${path}' (format parquet)`);
  connection.closeSync();
  instance.closeSync();
  const files = `/v1/graphs/${creation.graph_id}/files`;
  const contentType = 'application/x-parquet';
  const file = await api.call<{ file_id: string; upload_url: string }>('POST', files, {
    table_name: 'Entry',
    file_name: 'entries.parquet',
    content_type: contentType,
  });
  await api.upload(file.upload_url, path, contentType);
  await api.call('PATCH', `${files}/${file.file_id}`, { status: 'uploaded' });
  await remove();
  const load = await api.call<StartedOperation>('POST', `/v1/graphs/${creation.graph_id}/materialize`, {});
  const { generation } = (await api.watch(load, () => undefined)) as { generation: number };
  return { id: creation.graph_id, bytes: (await stat(platform.graphFile(creation.graph_id, generation))).size };
}

/** Backups of one graph, each of which is removed when it has been measured. */
class Backups {
  private readonly path: string;

  constructor(
    private readonly platform: BenchPlatform,
    graphId: string,
  ) {
    this.path = `/v1/graphs/${graphId}/backups`;
  }

  /** From the request to the event that it is completed. */
  async make(): Promise<{ ms: number; backupId: string }> {
    const { api } = this.platform;
    const { ms, value } = await timed(async () => {
      const started = await api.call<Made>('POST', this.path, {});
      await api.watch(started, () => undefined);
      return started.backup_id;
    });
    return { ms, backupId: value };
  }

  /** In the place of what is live, without a backup of that; the backup is removed then. */
  async restore(backupId: string): Promise<{ ms: number }> {
    const { api } = this.platform;
    const { ms } = await timed(async () => {
      const path = `${this.path}/${backupId}/restore`;
      await api.watch(await api.call<StartedOperation>('POST', path, { create_system_backup: false }), () => undefined);
    });
    await api.call('DELETE', `${this.path}/${backupId}`);
    return { ms };
  }
}
