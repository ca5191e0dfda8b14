import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import {
  BuildCancelled,
  EngineLost,
  GraphUnreadable,
  LoaderOutOfMemory,
  LoadFailed,
  StorageFull,
} from '../engine.errors';
import type { BuildProgress, BuildSpec, GenerationManifest, ReadApart, TableExport, TableLoad } from '../graph-engine';
import { copyGraphFile, shareGraphFile } from './copy-graph-file';
import { generationFiles, graphLog, realDirectory } from './graph-file';
import type { HostFactory } from './host-factory';
import type { HostProcess } from './host-process';
import { allEnded, type Counts, ending, inspect, sameContent } from './inspect-generation';
import { measureFiles, syncFiles } from './measure-generation';
import { MergedCopies } from './merged-copies';

const CLOSE_MS = 60_000;
/**
 * A build adds to its base's log while that is shorter, and while its own rows are so few that the log stays short: every
 * opening replays all of it, 0.2 s for 4 MB. Otherwise it copies the base and puts everything into the copy.
 */
const LONGEST_LOG_BYTES = 4 * 1024 * 1024;
const MOST_LOGGED_ROWS = 20_000;
/** A shorter log is not worth a copy of the file. */
const LEAST_MERGED_LOG_BYTES = 1024 * 1024;
/** Copying a larger file for a few rows is left until its log is long. */
const LARGEST_MERGED_FILE_BYTES = 1024 * 1024 * 1024;
/** Rows may be wide: a log that became longer than this is not kept. */
const LARGEST_LOG_BYTES = 16 * 1024 * 1024;

/** What every process of a build needs. */
interface Work {
  directory: string;
  input: string | undefined;
  writesInput: boolean;
  signal: AbortSignal;
  onProgress: (progress: BuildProgress) => void;
}

/** How the files of a generation came to their place. */
interface Placed {
  /** SHA-256 of the database file, where it is known. */
  sha256?: string;
  /** Its rows, where it is a file that was counted before. */
  counts?: Counts;
  /** The process that will read them, where it was started meanwhile. */
  reader?: HostProcess;
}

type Planned = (loader: HostProcess) => Promise<TableLoad[]>;

/**
 * Builds generations in a process of its own: begin with nothing, with a copy of the base, or with the base's own file and
 * a log of one's own; load, close, sync, hash, open again, count.
 */
export class GraphBuilder {
  /** What a build begins with instead of its base, where it was made meanwhile. */
  readonly merged = new MergedCopies((from, to, signal) => this.merge(from, to, signal));
  private readonly logger = new Logger(GraphBuilder.name);

  /** `keep`: hands an open generation to those who answer queries; false where they do not take it. */
  constructor(
    private readonly hosts: HostFactory,
    private readonly keep: (directory: string, host: HostProcess) => boolean,
  ) {}

  /** See `GraphEngine.build`. Whatever goes wrong, the directory is gone when this throws. */
  async build(
    spec: BuildSpec,
    { signal, onProgress = () => undefined }: { signal: AbortSignal; onProgress?: (progress: BuildProgress) => void },
  ): Promise<GenerationManifest> {
    const place = async (directory: string): Promise<Placed> => {
      const base = spec.base && realDirectory(spec.base);
      const input = spec.inputDirectory === undefined ? undefined : await realpath(spec.inputDirectory);
      const work = { directory, input, writesInput: spec.keys !== undefined, signal, onProgress };
      if (base !== undefined && spec.unchanged) {
        return this.besideReader(directory, () => takeOver(base, directory, spec.unchanged!, signal));
      }
      return this.load(spec, base, work);
    };
    const made = await this.fill(spec.target.directory, place, {
      signal,
      keepOpen: spec.keepOpen,
      expected: spec.unchanged,
    });
    if (spec.mergeLater && isWorthMerging(made)) this.merged.begin(realDirectory(spec.target));
    return made;
  }

  /** See `GraphEngine.adopt`. */
  adopt(
    target: string,
    place: (directory: string) => Promise<string | undefined>,
    options: { signal: AbortSignal; temporary?: boolean },
  ): Promise<GenerationManifest> {
    const placed = async (directory: string): Promise<Placed> => ({ sha256: await place(directory) });
    return this.fill(target, (directory) => this.besideReader(directory, () => placed(directory)), options);
  }

  /** Starts the process that will read the files while they are put into their place. */
  private async besideReader(directory: string, place: () => Promise<Placed>): Promise<Placed> {
    const reader = await this.hosts.readerAhead(directory);
    try {
      return { ...(await place()), reader };
    } catch (error) {
      await reader.discard();
      throw error;
    }
  }

  /** `expected`: all that must be found. */
  private async fill(
    target: string,
    place: (directory: string) => Promise<Placed>,
    {
      signal,
      keepOpen = false,
      temporary = false,
      expected,
    }: { signal: AbortSignal; keepOpen?: boolean; temporary?: boolean; expected?: GenerationManifest },
  ): Promise<GenerationManifest> {
    if (signal.aborted) throw new BuildCancelled();
    await this.prepare(target);
    const directory = await realpath(target);
    let reader: HostProcess | undefined;
    try {
      const placed = await place(directory);
      reader = placed.reader ?? (await this.hosts.readerAhead(directory));
      // What is broken is not opened.
      await generationFiles(directory);
      const [files, counted] = await allEnded([
        measureFiles(directory, placed.sha256, signal),
        inspect(reader, signal, placed.counts),
        temporary ? undefined : syncFiles(directory),
      ]);
      const made = { engine: 'ladybug', ...files, ...counted };
      if (expected !== undefined && !sameContent(made, expected)) throw new GraphUnreadable();
      if (!(keepOpen && this.keep(directory, reader))) await reader.close();
      return made;
    } catch (error) {
      await reader?.discard();
      await rm(directory, { recursive: true, force: true });
      if (signal.aborted) throw new BuildCancelled();
      throw isDiskFull(error) ? new StorageFull() : error;
    }
  }

  /** See `GraphEngine.export`. */
  async export(
    source: string,
    exports: TableExport[],
    output: string,
    { signal, onProgress = () => undefined }: { signal: AbortSignal; onProgress?: (progress: BuildProgress) => void },
  ): Promise<number[]> {
    if (signal.aborted) throw new BuildCancelled();
    try {
      const host = await this.hosts.exporter(source, await realpath(output));
      return await ending(host, signal, async () => {
        const rows = await host.export({ exports }, onProgress);
        await host.close();
        return rows;
      });
    } catch (error) {
      if (signal.aborted) throw new BuildCancelled();
      throw isDiskFull(error) ? new StorageFull() : error;
    }
  }

  /** See `GraphEngine.readApart`. */
  async readApart<T>(source: string, work: (query: ReadApart) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw new BuildCancelled();
    try {
      const host = await this.hosts.exporter(source);
      return await ending(host, signal, async () => {
        const result = await work((request) => host.query(request, signal).ready);
        await host.close();
        return result;
      });
    } catch (error) {
      if (signal.aborted) throw new BuildCancelled();
      throw isDiskFull(error) ? new StorageFull() : error;
    }
  }

  /** A directory with content is somebody else's; it is neither used nor removed. */
  private async prepare(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if ((await readdir(directory)).length > 0) throw new LoadFailed('The place of the new generation is not empty');
  }

  private async load(spec: BuildSpec, base: string | undefined, work: Work): Promise<Placed> {
    const loads = planned(spec);
    const from = base && (await this.beginningOf(base, spec.base?.sha256));
    if (from && spec.definitions.length === 0 && (await logBytes(from.directory)) < LONGEST_LOG_BYTES) {
      await shareGraphFile(from.directory, work.directory, work.signal);
      const reader = await this.append(loads, work);
      if (reader) return { sha256: from.sha256, reader };
      await rm(work.directory, { recursive: true, force: true });
      await this.prepare(work.directory);
    }
    if (from) await copyGraphFile(from.directory, work.directory, work.signal);
    await this.using('build', work, async (loader) => {
      await loader.build({ definitions: spec.definitions, loads: await loads(loader) }, work.onProgress);
      await loader.close(CLOSE_MS);
    });
    await requireMerged(work.directory);
    return {};
  }

  /** The base, or its copy without a log; the copy that is being made is waited for where the build would have to make one. */
  private async beginningOf(base: string, sha256: string | undefined): Promise<{ directory: string; sha256?: string }> {
    if ((await logBytes(base)) >= LONGEST_LOG_BYTES) await this.merged.settled(base);
    return (await this.merged.find(base)) ?? { directory: base, sha256 };
  }

  /** Copies a generation and puts its log into the file; the SHA-256 of that. */
  private async merge(from: string, to: string, signal: AbortSignal): Promise<string> {
    await copyGraphFile(from, to, signal);
    const work = { directory: to, input: undefined, writesInput: false, signal, onProgress: () => undefined };
    await this.using('build', work, async (loader) => {
      await loader.build({ definitions: [], loads: [] }, work.onProgress);
      await loader.close(CLOSE_MS);
    });
    await requireMerged(to);
    return (await measureFiles(to, undefined, signal)).sha256;
  }

  /**
   * Puts the rows into the log, and gives the process that will read it, started meanwhile; undefined where the log would
   * become, or became, too long, or the engine does not take the rows so.
   */
  private async append(loads: Planned, work: Work): Promise<HostProcess | undefined> {
    let reader: HostProcess | undefined;
    try {
      const appended = await this.using('append', work, async (loader) => {
        reader = await this.hosts.readerAhead(work.directory);
        return this.addRows(loader, loads, work);
      });
      if (appended && (await logBytes(work.directory)) <= LARGEST_LOG_BYTES) return reader;
    } catch (error) {
      await reader?.discard();
      throw error;
    }
    await reader?.discard();
    return undefined;
  }

  /** False where they are too many for a log, or the engine does not take them so. */
  private async addRows(loader: HostProcess, loads: Planned, work: Work): Promise<boolean> {
    const all = await loads(loader);
    if (all.reduce((sum, { rows }) => sum + rows, 0) > MOST_LOGGED_ROWS) return false;
    try {
      await loader.build({ definitions: [], loads: all }, work.onProgress);
    } catch (error) {
      if (!(error instanceof LoadFailed || error instanceof LoaderOutOfMemory)) throw error;
      this.logger.warn(`Rows cannot be added to a log, so the graph is copied: ${error.message}`);
      return false;
    }
    await loader.close(CLOSE_MS);
    return true;
  }

  private async using<T>(
    mode: 'build' | 'append',
    { directory, input, writesInput, signal }: Work,
    use: (loader: HostProcess) => Promise<T>,
  ): Promise<T> {
    const loader = await this.hosts.loader(mode, directory, input, writesInput);
    return ending(loader, signal, () => use(loader));
  }
}

/** As it is, under another name: nobody writes to the database file of a finished generation. */
async function takeOver(
  from: string,
  to: string,
  { sha256, nodes, relationships }: GenerationManifest,
  signal: AbortSignal,
): Promise<Placed> {
  const shared = await shareGraphFile(from, to, signal);
  return { sha256, counts: shared ? { nodes, relationships } : undefined };
}

/** What to load, found out once: after the keys of the base are written, where they are asked for. */
function planned({ keys, loads }: BuildSpec): Planned {
  let found: TableLoad[] | undefined;
  return async (loader) => {
    if (found !== undefined) return found;
    if (keys) await loader.build({ keys, definitions: [], loads: [] }, () => undefined);
    return (found = typeof loads === 'function' ? await loads() : loads);
  };
}

function isWorthMerging({ bytes, log }: GenerationManifest): boolean {
  return log !== undefined && log.bytes >= LEAST_MERGED_LOG_BYTES && bytes <= LARGEST_MERGED_FILE_BYTES;
}

/** What a loader leaves beside the database file says that it has not finished. */
async function requireMerged(directory: string): Promise<void> {
  if ((await generationFiles(directory).catch(() => [])).length !== 1) throw new EngineLost('the build');
}

async function logBytes(directory: string): Promise<number> {
  const log = (await generationFiles(directory)).find((file) => file === graphLog(directory));
  return log === undefined ? 0 : (await stat(log)).size;
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
