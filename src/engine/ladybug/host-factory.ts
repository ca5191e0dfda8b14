import { existsSync } from 'node:fs';
import type { Confinement } from '../confinement';
import type { EngineConfig } from '../engine.config';
import { GraphUnreadable } from '../engine.errors';
import { graphFile } from './graph-file';
import { HostProcess } from './host-process';
import { newScratch } from './scratch-folders';
import { BYTES_PER_MB } from '../../common/units';

/** Starts host processes with the limits of the configuration. */
export class HostFactory {
  constructor(
    private readonly config: EngineConfig,
    private readonly confinement: Confinement,
    /** Has a folder for each reader while it lives; without it none writes results to files. */
    private readonly scratch?: string,
  ) {}

  /** A host that answers queries; it can only read the directory, and write results to a folder of its own. */
  async reader(directory: string): Promise<HostProcess> {
    // The engine would make a new, empty database.
    if (!existsSync(graphFile(directory))) throw new GraphUnreadable();
    return (await this.readerAhead(directory)).open();
  }

  /** Its process, before there is a file: starting one takes longer than opening most files. Open it, or discard it. */
  async readerAhead(directory: string): Promise<HostProcess> {
    const scratch = this.scratch === undefined ? undefined : await newScratch(this.scratch);
    return HostProcess.spawn({
      open: {
        mode: 'read',
        file: graphFile(directory),
        bufferPoolBytes: this.config.bufferPoolMb * BYTES_PER_MB,
        maxDatabaseBytes: this.maxDatabaseBytes(),
        connections: this.config.hostConnections,
        threads: this.config.hostThreads,
      },
      confinement: this.confinement,
      readOnly: [directory],
      writable: scratch === undefined ? [] : [scratch],
      scratch,
      startMs: this.config.startSeconds * 1000,
      memoryBytes: this.config.hostMemoryMb * BYTES_PER_MB,
      // A result is in memory before it is written, and smaller in its file.
      limits: { fileBytes: this.config.hostMemoryMb * BYTES_PER_MB, cpuSeconds: this.config.cpuSeconds },
    });
  }

  /** A process that reads all of a graph, and writes its rows into a directory where one is given; it can only read the graph's. */
  exporter(directory: string, output?: string): Promise<HostProcess> {
    return HostProcess.start({
      open: {
        mode: 'read',
        file: graphFile(directory),
        bufferPoolBytes: this.config.loaderPoolMb * BYTES_PER_MB,
        maxDatabaseBytes: this.maxDatabaseBytes(),
        connections: 1,
        threads: this.config.loaderThreads,
      },
      confinement: this.confinement,
      readOnly: [directory],
      writable: output === undefined ? [] : [output],
      startMs: this.config.startSeconds * 1000,
      memoryBytes: this.config.loaderMemoryMb * BYTES_PER_MB,
      limits: { fileBytes: this.maxDatabaseBytes(), cpuSeconds: this.config.cpuSeconds },
    });
  }

  /** A process that builds in a directory, from files in another, to which it may also write where it must. */
  loader(
    mode: 'build' | 'append',
    directory: string,
    inputDirectory?: string,
    writesInput = false,
  ): Promise<HostProcess> {
    return HostProcess.start({
      open: {
        mode,
        file: graphFile(directory),
        bufferPoolBytes: this.config.loaderPoolMb * BYTES_PER_MB,
        maxDatabaseBytes: this.maxDatabaseBytes(),
        connections: 1,
        threads: this.config.loaderThreads,
      },
      confinement: this.confinement,
      readOnly: inputDirectory === undefined || writesInput ? [] : [inputDirectory],
      writable: inputDirectory !== undefined && writesInput ? [directory, inputDirectory] : [directory],
      startMs: this.config.startSeconds * 1000,
      memoryBytes: this.config.loaderMemoryMb * BYTES_PER_MB,
      limits: {
        fileBytes: this.maxDatabaseBytes(),
        cpuSeconds: this.config.cpuSeconds,
        // A few new rows are soon done, and whoever sent them wants to see them.
        background: mode === 'build',
      },
    });
  }

  private maxDatabaseBytes(): number {
    return this.config.maxDatabaseGb * 1024 * BYTES_PER_MB;
  }
}
