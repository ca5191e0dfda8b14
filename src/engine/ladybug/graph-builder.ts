import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BuildCancelled, EngineLost, LoadFailed, StorageFull } from '../engine.errors';
import type { BuildProgress, BuildSpec, GenerationManifest } from '../graph-engine';
import { copyGraphFile } from './copy-graph-file';
import { generationFiles, realDirectory } from './graph-file';
import { quoteName } from './host-build';
import type { HostFactory } from './host-factory';
import type { HostProcess } from './host-process';

const COUNT_TIMEOUT_MS = 120_000;

/** Builds generations: copy the base where there is one, load in a process of its own, close, sync, hash, open again, count. */
export class GraphBuilder {
  constructor(private readonly hosts: HostFactory) {}

  /** See `GraphEngine.build`. Whatever goes wrong, the directory is gone when this throws. */
  async build(
    spec: BuildSpec,
    { signal, onProgress }: { signal: AbortSignal; onProgress?: (progress: BuildProgress) => void },
  ): Promise<GenerationManifest> {
    if (signal.aborted) throw new BuildCancelled();
    await this.prepare(spec.target.directory);
    const directory = await realpath(spec.target.directory);
    try {
      if (spec.base) await copyGraphFile(realDirectory(spec.base), directory, signal);
      await this.load(spec, directory, signal, onProgress);
      return await this.inspect(directory, signal);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      if (signal.aborted) throw new BuildCancelled();
      throw isDiskFull(error) ? new StorageFull() : error;
    }
  }

  /** A directory with content is somebody else's; it is neither used nor removed. */
  private async prepare(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if ((await readdir(directory)).length > 0) throw new LoadFailed('The place of the new generation is not empty');
  }

  private async load(
    spec: BuildSpec,
    directory: string,
    signal: AbortSignal,
    onProgress: (progress: BuildProgress) => void = () => undefined,
  ): Promise<void> {
    const input = spec.inputDirectory === undefined ? undefined : await realpath(spec.inputDirectory);
    const { keys, definitions, loads } = spec;
    const loader = await this.hosts.loader(directory, input, keys !== undefined);
    await ending(loader, signal, async () => {
      if (typeof loads === 'function') {
        if (keys) await loader.build({ keys, definitions: [], loads: [] }, onProgress);
        await loader.build({ definitions, loads: await loads() }, onProgress);
      } else await loader.build({ keys, definitions, loads }, onProgress);
      await loader.close(60_000);
    });
    const files = await generationFiles(directory).catch(() => []);
    // What the loader leaves beside the database file says that it has not finished.
    if (files.length !== 1) throw new EngineLost('the build');
  }

  private async inspect(directory: string, signal: AbortSignal): Promise<GenerationManifest> {
    // Safe only here, while no process has the files open: closing a descriptor of ours would drop the engine's lock.
    const files = await generationFiles(directory);
    for (const path of [...files, directory, dirname(directory)]) await sync(path);
    const [{ size }, sha256] = [await stat(files[0]), await hashOf(files[0], signal)];
    const host = await this.hosts.reader(directory);
    const counts = await ending(host, signal, async () => {
      const found = await countTables(host);
      await host.close();
      return found;
    });
    return { engine: 'ladybug', engineVersion: host.engineVersion, bytes: size, sha256, ...counts };
  }
}

/** Runs `work`; whether it ends, fails or is aborted, the process is gone afterwards. */
async function ending<T>(host: HostProcess, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const kill = (): void => host.kill({ why: 'abandoned' });
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    const result = await work();
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await host.ended;
  }
}

/** What a generation consists of must be on the disk before anybody is told that it is there. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function hashOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash, { signal });
  return hash.digest('hex');
}

async function countTables(host: HostProcess): Promise<Pick<GenerationManifest, 'nodes' | 'relationships'>> {
  const nodes: Record<string, number> = {};
  const relationships: Record<string, number> = {};
  const tables = await rowsOf(host, 'CALL show_tables() RETURN name, type ORDER BY name');
  for (const { name, type } of tables as { name: string; type: string }[]) {
    const pattern = type === 'NODE' ? `(x:${quoteName(name)})` : `()-[x:${quoteName(name)}]->()`;
    const [row] = await rowsOf(host, `MATCH ${pattern} RETURN count(*) AS count`);
    (type === 'NODE' ? nodes : relationships)[name] = Number(row?.count);
  }
  return { nodes, relationships };
}

async function rowsOf(host: HostProcess, statement: string): Promise<Record<string, unknown>[]> {
  const query = host.query({ statement, parameters: {}, timeoutMs: COUNT_TIMEOUT_MS, format: 'ndjson' });
  const chunks: Buffer[] = [];
  for await (const batch of (await query.ready).batches) chunks.push(batch.bytes);
  const lines = Buffer.concat(chunks).toString('utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
