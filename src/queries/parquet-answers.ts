import { randomUUID } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { BYTES_PER_MB } from '../common/units';
import { PlatformConfig } from '../config/platform.config';
import { DuplicateColumn, EngineBusy } from '../engine/engine.errors';
import type { QueryColumn, QueryStream } from '../engine/graph-engine';
import { StagingEngine } from '../staging/duckdb/staging-engine';
import { ObjectStore } from '../storage/object-store';
import { ObjectTooLarge } from '../storage/storage.errors';
import { QueriesConfig } from './queries.config';

/** A process that was killed may leave a directory; nothing that is being written is older. */
const LEFT_BEHIND_MS = 24 * 3_600_000;
const ROWS = 'rows.ndjson';

/**
 * Results as Parquet: written by the engine where it did so, and else from rows. Such a file begins with nothing that says how long it is and ends with its table of contents, so it
 * is written as a whole, by a confined DuckDB process, before its first byte is sent: a failure is a problem document.
 */
@Injectable()
export class ParquetAnswers implements OnModuleInit {
  private writing = 0;

  constructor(
    private readonly engine: StagingEngine,
    private readonly objects: ObjectStore,
    private readonly platform: PlatformConfig,
    private readonly config: QueriesConfig,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    const names = await readdir(this.folder()).catch(() => []);
    for (const name of names) {
      const found = await stat(this.folder(name)).catch(() => undefined);
      const old = found !== undefined && this.clock.now().getTime() - found.mtimeMs > LEFT_BEHIND_MS;
      if (old) await rm(this.folder(name), { recursive: true, force: true });
    }
  }

  /** The result of a query that was run with `toFile` and format `ndjson`. Throws what it fails with, and as {@link ofStored}. */
  async ofStream(stream: QueryStream, signal: AbortSignal): Promise<Readable> {
    if (stream.file !== undefined) return readAndRemove(stream.file);
    return this.written(stream.columns, signal, async (path) => {
      const maxBytes = this.config.resultMaxMb * BYTES_PER_MB;
      await pipeline(Readable.from(bytesOf(stream, maxBytes), { objectMode: false }), createWriteStream(path), {
        signal,
      });
    });
  }

  /**
   * A result that is kept. Throws {@link DuplicateColumn} where two names differ in their case alone, {@link EngineBusy}
   * while as many are written as may be, and what the staging engine throws.
   */
  ofStored(columns: QueryColumn[], objectKey: string, signal: AbortSignal): Promise<Readable> {
    return this.written(columns, signal, (path) => this.objects.checkout(objectKey, path));
  }

  private async written(
    columns: QueryColumn[],
    signal: AbortSignal,
    rowsInto: (path: string) => Promise<void>,
  ): Promise<Readable> {
    requireDistinct(columns);
    if (this.writing >= this.config.parquetConcurrency) throw new EngineBusy();
    this.writing += 1;
    const directory = this.folder(randomUUID());
    try {
      await mkdir(directory, { recursive: true });
      const [input, output] = [join(directory, ROWS), join(directory, 'rows.parquet')];
      await rowsInto(input);
      await this.engine.run({ task: 'write_result', input, output, columns }, { directory, signal });
      return await readAndRemove(output);
    } finally {
      this.writing -= 1;
      await rm(directory, { recursive: true, force: true });
    }
  }

  private folder(name = ''): string {
    return this.platform.path('parquet', name);
  }
}

/**
 * The name of the file goes at once; the bytes stay until they are read or the reader has left. A confined process wrote it,
 * so a link in its place is not followed.
 */
async function readAndRemove(path: string): Promise<Readable> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    return createReadStream('', { fd: file });
  } finally {
    await rm(path, { force: true });
  }
}

/** Names of columns mean the same in upper and lower case where Parquet is written. */
function requireDistinct(columns: QueryColumn[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name.toLowerCase())) throw new DuplicateColumn(name);
    seen.add(name.toLowerCase());
  }
}

async function* bytesOf(stream: QueryStream, maxBytes: number): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const { bytes } of stream.batches) {
    total += bytes.length;
    if (total > maxBytes) throw new ObjectTooLarge(maxBytes);
    yield bytes;
  }
}
