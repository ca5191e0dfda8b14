import type { Readable } from 'node:stream';

export interface StoredObject {
  key: string;
  bytes: number;
}

/** As a list has it. */
export interface ListedObject extends StoredObject {
  storedAt: Date;
}

export interface PutOptions {
  /** More bytes than this are refused with `ObjectTooLarge`. */
  maxBytes?: number;
  /** Gives up and stores nothing. */
  signal?: AbortSignal;
}

/** Bytes of an object: from `start` on, up to and without `end`. What lies beyond the object's end is left out. */
export interface ByteRange {
  start: number;
  end?: number;
}

/**
 * Where files of users, staged parts and backups are kept: bytes under keys. An object appears whole or not at all and
 * never changes; putting to the same key replaces it in one step. Keys: see `object-key.ts`.
 */
export abstract class ObjectStore {
  /** Stores a stream. Throws `ObjectTooLarge`, `StorageFull`, or what the stream failed with; then nothing is stored. */
  abstract put(key: string, body: Readable, options?: PutOptions): Promise<StoredObject>;

  /** Stores a local file, which is gone afterwards. Cheap where storage and file share a disk. */
  abstract putFile(key: string, path: string): Promise<StoredObject>;

  /** Reads an object, or a range of it. Throws `ObjectNotFound`. */
  abstract get(key: string, range?: ByteRange): Promise<Readable>;

  /** What is under a key, or undefined. */
  abstract head(key: string): Promise<StoredObject | undefined>;

  /**
   * Makes an object readable as the local file `path` (which must not exist yet), for processes that need files.
   * No bytes are copied where storage and path share a disk, so the file must not be written to. Throws `ObjectNotFound`.
   */
  abstract checkout(key: string, path: string): Promise<void>;

  /** Removes an object; no error where there is none. */
  abstract delete(key: string): Promise<void>;

  /** All objects below a prefix that ends in `/`, in no particular order. */
  abstract list(prefix: string): AsyncIterable<ListedObject>;

  /** Removes all objects below a prefix that ends in `/`. */
  abstract deletePrefix(prefix: string): Promise<void>;
}
