import { randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';
import { ByteLimit } from './byte-limit';
import { nameOfProcess, ownerIsGone } from './file-owner';
import { assertKey, assertPrefix } from './object-key';
import { type ByteRange, type ListedObject, ObjectStore, type PutOptions, type StoredObject } from './object-store';
import { ObjectNotFound, StorageFull } from './storage.errors';

/** Files that are still being written, each named after the process that does; no key begins with a dot. */
const UNFINISHED = '.unfinished';
/** Of a file that is read; large objects are read from end to end. */
const READ_BYTES = 256 * 1024;
/** Where the writer is of another machine or container, so that nobody here can tell whether it lives. */
const ABANDONED_AFTER_MS = 24 * 3_600_000;

/** Objects as files below `DATA_DIR/objects`. Several processes may share the folder. */
@Injectable()
export class FileSystemObjectStore extends ObjectStore implements OnModuleInit {
  private readonly root: string;

  constructor(config: PlatformConfig) {
    super();
    this.root = config.path('objects');
  }

  /** Removes what a crash left half-written: what is of a process that has ended, or else what is old. */
  async onModuleInit(): Promise<void> {
    const folder = join(this.root, UNFINISHED);
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (ownerIsGone(name) ?? (await isOld(path))) await rm(path, { force: true });
    }
  }

  async put(key: string, body: Readable, { maxBytes = Infinity, signal }: PutOptions = {}): Promise<StoredObject> {
    assertKey(key);
    const unfinished = await this.unfinishedPath();
    try {
      const counter = new ByteLimit(maxBytes);
      // Opened here and not by the stream: an abort would overtake that, and the file appear after its removal.
      const file = await open(unfinished, 'wx', 0o600);
      // Not flushed by the stream: `publish` does it once, for both ways in.
      await pipeline(body, counter, file.createWriteStream(), { signal });
      await this.publish(unfinished, key);
      return { key, bytes: counter.bytes };
    } catch (error) {
      await rm(unfinished, { force: true });
      throw storageError(error);
    }
  }

  async putFile(key: string, path: string): Promise<StoredObject> {
    assertKey(key);
    try {
      const { size } = await stat(path);
      await this.publish(path, key).catch(async (error: unknown) => {
        if (codeOf(error) !== 'EXDEV') throw error;
        await this.put(key, createReadStream(path));
        await rm(path);
      });
      return { key, bytes: size };
    } catch (error) {
      throw storageError(error);
    }
  }

  async get(key: string, { start, end }: ByteRange = { start: 0 }): Promise<Readable> {
    const file = await open(this.pathOf(key)).catch((error: unknown) => {
      throw notFoundError(error, key);
    });
    if (end !== undefined && end <= start) {
      await file.close();
      return Readable.from([]);
    }
    // The last byte of a file stream is the one that it still reads.
    return createReadStream('', {
      fd: file,
      start,
      end: end === undefined ? undefined : end - 1,
      highWaterMark: READ_BYTES,
    });
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      return { key, bytes: (await stat(this.pathOf(key))).size };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async checkout(key: string, path: string): Promise<void> {
    try {
      await link(this.pathOf(key), path).catch(async (error: unknown) => {
        // Another disk, or a file system or system policy without hard links.
        if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error;
        await copyFile(this.pathOf(key), path, constants.COPYFILE_EXCL);
      });
    } catch (error) {
      throw notFoundError(storageError(error), key);
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertPrefix(prefix);
    yield* this.walk(join(this.root, prefix));
  }

  async deletePrefix(prefix: string): Promise<void> {
    assertPrefix(prefix);
    await rm(join(this.root, prefix), { recursive: true, force: true });
  }

  private async *walk(folder: string): AsyncIterable<ListedObject> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        yield* this.walk(path);
        continue;
      }
      const found = await stat(path).catch((error: unknown) => {
        // Removed since the folder was read.
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      if (found) yield { key: relative(this.root, path), bytes: found.size, storedAt: found.mtime };
    }
  }

  private pathOf(key: string): string {
    assertKey(key);
    return join(this.root, key);
  }

  private async unfinishedPath(): Promise<string> {
    const folder = join(this.root, UNFINISHED);
    await mkdir(folder, { recursive: true });
    return join(folder, [nameOfProcess(process.pid), randomUUID()].join('_'));
  }

  /** Bytes first, then the name, then the folder that holds the name: a power cut leaves the old or the new object. */
  private async publish(file: string, key: string): Promise<void> {
    const target = this.pathOf(key);
    await flush(file);
    await mkdir(dirname(target), { recursive: true });
    await rename(file, target);
    await flush(dirname(target));
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < Date.now() - ABANDONED_AFTER_MS;
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}

function storageError(error: unknown): unknown {
  return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT' ? new StorageFull() : error;
}

function notFoundError(error: unknown, key: string): unknown {
  return codeOf(error) === 'ENOENT' ? new ObjectNotFound(key) : error;
}
