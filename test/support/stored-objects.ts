import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { loadConfig } from '../../src/config/load-config';
import { PlatformConfig } from '../../src/config/platform.config';
import { FileSystemObjectStore } from '../../src/storage/file-system.object-store';
import type { ObjectStore } from '../../src/storage/object-store';
import { openBucket } from '../../src/storage/s3-bucket';
import { S3ObjectStore } from '../../src/storage/s3.object-store';
import { StorageConfig } from '../../src/storage/storage.config';
import { hasBucket, storageSettings } from './storage-profile';

/** What a platform that a test has started keeps in its object store, wherever that is, behind the platform's back. */
export class StoredObjects {
  private constructor(
    private readonly store: ObjectStore,
    readonly close: () => void,
  ) {}

  /** Of the platform with this data directory. */
  static async of(dataDir: string): Promise<StoredObjects> {
    if (!hasBucket) {
      const platform = Object.assign(new PlatformConfig(), { dataDir });
      return new StoredObjects(new FileSystemObjectStore(platform), () => undefined);
    }
    const store = new S3ObjectStore(await openBucket(loadConfig(StorageConfig, storageSettings(basename(dataDir)))));
    return new StoredObjects(store, () => store.onModuleDestroy());
  }

  /** Of the objects below a prefix that ends in `/`. */
  async keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(prefix)) keys.push(key);
    return keys.sort();
  }

  async read(key: string): Promise<Buffer> {
    return buffer(await this.store.get(key));
  }

  async write(key: string, bytes: Buffer): Promise<void> {
    await this.store.put(key, Readable.from([bytes]));
  }
}
