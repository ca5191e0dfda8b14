import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { ByteLimit } from './byte-limit';
import { assertKey, assertPrefix } from './object-key';
import { type ByteRange, type ListedObject, ObjectStore, type PutOptions, type StoredObject } from './object-store';
import type { S3Bucket } from './s3-bucket';
import { isLostConnection, storageErrorOf } from './s3-errors';
import { ObjectNotFound, StorageUnavailable } from './storage.errors';

/** As S3 allows. */
const MOST_PARTS = 10_000;
const DELETED_AT_ONCE = 1_000;
/** Parts of one upload that are on their way at the same time. */
const PARTS_AT_ONCE = 2;
/** How often in a row an answer may break off before the rest of it is asked for in vain. */
const MOST_BREAKS = 3;

/**
 * Objects in a bucket. Large ones are sent in parts, so that memory stays bounded whatever their size; S3 makes the object
 * appear when the last part is acknowledged, and parts of an upload that fails are removed.
 */
export class S3ObjectStore extends ObjectStore implements OnModuleDestroy {
  private readonly logger = new Logger('Storage');

  constructor(private readonly at: S3Bucket) {
    super();
  }

  onModuleDestroy(): void {
    this.at.s3.destroy();
  }

  put(key: string, body: Readable, { maxBytes = Infinity, signal }: PutOptions = {}): Promise<StoredObject> {
    return this.upload(key, body, { partBytes: this.at.partBytes, maxBytes, signal });
  }

  async putFile(key: string, path: string): Promise<StoredObject> {
    assertKey(key);
    const { size } = await stat(path);
    const partBytes = Math.max(this.at.partBytes, Math.ceil(size / MOST_PARTS));
    const stored = await this.upload(key, createReadStream(path), { partBytes, maxBytes: Infinity });
    await rm(path);
    return stored;
  }

  async get(key: string, { start, end }: ByteRange = { start: 0 }): Promise<Readable> {
    if (end !== undefined && end <= start) {
      if ((await this.head(key)) === undefined) throw new ObjectNotFound(key);
      return Readable.from([]);
    }
    const first = await this.open(key, { start, end });
    return Readable.from(this.whole(key, { start, end }, first), { objectMode: false });
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const { ContentLength } = await this.at.s3.headObject(this.target(key));
      return { key, bytes: ContentLength! };
    } catch (error) {
      const known = this.known(error, key);
      if (known instanceof ObjectNotFound) return undefined;
      throw known;
    }
  }

  async checkout(key: string, path: string): Promise<void> {
    const body = await this.get(key);
    const file = createWriteStream(path, { flags: 'wx' });
    let opened = false;
    file.once('open', () => (opened = true));
    try {
      await pipeline(body, file);
    } catch (error) {
      // Somebody else's file of that name stays.
      if (opened) await rm(path, { force: true });
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await this.at.s3.deleteObject(this.target(key)).catch((error: unknown) => {
      throw this.known(error, key);
    });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertPrefix(prefix);
    const { s3, bucket, prefix: folder } = this.at;
    let next: string | undefined;
    do {
      const page = await s3
        .listObjectsV2({ Bucket: bucket, Prefix: folder + prefix, ContinuationToken: next })
        .catch((error: unknown) => {
          throw this.known(error, prefix);
        });
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        yield { key: Key!.slice(folder.length), bytes: Size!, storedAt: LastModified! };
      }
      next = page.NextContinuationToken;
    } while (next !== undefined);
  }

  async deletePrefix(prefix: string): Promise<void> {
    let batch: string[] = [];
    for await (const { key } of this.list(prefix)) {
      batch.push(key);
      if (batch.length < DELETED_AT_ONCE) continue;
      await this.deleteAll(batch);
      batch = [];
    }
    if (batch.length > 0) await this.deleteAll(batch);
  }

  private async deleteAll(keys: string[]): Promise<void> {
    const { s3, bucket, prefix } = this.at;
    const Objects = keys.map((key) => ({ Key: prefix + key }));
    const { Errors = [] } = await s3
      .deleteObjects({ Bucket: bucket, Delete: { Objects, Quiet: true } })
      .catch((error: unknown) => {
        throw this.known(error, keys[0]);
      });
    const [refused] = Errors;
    if (refused) throw new StorageUnavailable(new Error(`${refused.Code}: ${refused.Message}`));
  }

  private async upload(
    key: string,
    body: Readable,
    { partBytes, maxBytes, signal }: { partBytes: number; maxBytes: number; signal?: AbortSignal },
  ): Promise<StoredObject> {
    const target = this.target(key);
    const { s3, Upload } = this.at;
    const counter = new ByteLimit(Math.min(maxBytes, partBytes * MOST_PARTS));
    let failed: unknown;
    // What ends the body ends the upload with the same error, which waits until the parts are removed.
    const piped = pipeline(body, counter, { signal }).catch((error: unknown) => (failed = error));
    try {
      const params = { ...target, Body: counter };
      await new Upload({ client: s3, params, partSize: partBytes, queueSize: PARTS_AT_ONCE }).done();
      return { key, bytes: counter.bytes };
    } catch (error) {
      counter.destroy();
      await piped;
      throw error === failed ? error : this.known(error, key);
    }
  }

  /** The bytes of a range, also where the connection breaks off on the way: then the rest is asked for. */
  private async *whole(key: string, { start, end }: ByteRange, first: Opened): AsyncIterable<Buffer> {
    let { body } = first;
    let at = start;
    for (let breaks = 0; ;) {
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          at += chunk.length;
          breaks = 0;
          yield chunk;
        }
        return;
      } catch (error) {
        breaks += 1;
        if (!isLostConnection(error) || breaks > MOST_BREAKS) throw this.known(error, key);
        ({ body } = await this.open(key, { start: at, end }, first.etag));
      }
    }
  }

  /** `etag`: the object that must still be there, where a part of it has been read already. */
  private async open(key: string, { start, end }: ByteRange, etag?: string): Promise<Opened> {
    const Range = start === 0 && end === undefined ? undefined : `bytes=${start}-${end === undefined ? '' : end - 1}`;
    try {
      const found = await this.at.s3.getObject({ ...this.target(key), Range, IfMatch: etag });
      const body = found.Body as Readable;
      // It may break off before anybody reads it; who reads it then is told.
      body.on('error', () => undefined);
      return { body, etag: found.ETag };
    } catch (error) {
      // Beyond the end of the object there is nothing to read.
      if ((error as Error).name === 'InvalidRange') return { body: Readable.from([]) };
      throw this.known(error, key);
    }
  }

  private target(key: string): { Bucket: string; Key: string } {
    assertKey(key);
    return { Bucket: this.at.bucket, Key: this.at.prefix + key };
  }

  private known(error: unknown, key: string): unknown {
    const known = storageErrorOf(error, key);
    if (known instanceof StorageUnavailable) {
      const { name, message } = known.cause as Error;
      this.logger.warn(`${key}: ${name}: ${message}`);
    }
    return known;
  }
}

interface Opened {
  body: Readable;
  etag?: string;
}
