import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { hasBucket, storageSettings } from '../../test/support/storage-profile';
import { loadConfig } from '../config/load-config';
import { PlatformConfig } from '../config/platform.config';
import { FileSystemObjectStore } from './file-system.object-store';
import type { ObjectStore, StoredObject } from './object-store';
import { openBucket } from './s3-bucket';
import { S3ObjectStore } from './s3.object-store';
import { StorageConfig } from './storage.config';

const PART = 5 * 1_048_576;

interface Adapter {
  store: ObjectStore;
  /** What is left of objects that were not stored. */
  unfinished(): Promise<unknown[]>;
  close(): void;
}

async function files(root: string): Promise<Adapter> {
  const store = new FileSystemObjectStore(Object.assign(new PlatformConfig(), { dataDir: root }));
  await store.onModuleInit();
  const folder = join(root, 'objects', '.unfinished');
  return { store, unfinished: async () => readdirSync(folder), close: () => undefined };
}

/** In a folder of its own, with the smallest parts that S3 takes. */
async function bucketOf(root: string): Promise<Adapter> {
  const settings = { ...storageSettings(basename(root)), S3_PART_MB: '5' };
  const bucket = await openBucket(loadConfig(StorageConfig, settings));
  const store = new S3ObjectStore(bucket);
  const unfinished = async () =>
    (await bucket.s3.listMultipartUploads({ Bucket: bucket.bucket, Prefix: bucket.prefix })).Uploads ?? [];
  return { store, unfinished, close: () => store.onModuleDestroy() };
}

/** What every adapter does. A bucket is there where `STORAGE_URL` names one, as in `npm run test:peers`. */
describe.each(
  hasBucket
    ? [
        { name: 'files', open: files },
        { name: 'a bucket', open: bucketOf },
      ]
    : [{ name: 'files', open: files }],
)('objects in $name', ({ open }) => {
  let root: string;
  let adapter: Adapter;
  let store: ObjectStore;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'objects-'));
    adapter = await open(root);
    store = adapter.store;
  });
  afterEach(() => {
    adapter.close();
    rmSync(root, { recursive: true, force: true });
  });

  const all = async (prefix: string) => {
    const found: StoredObject[] = [];
    for await (const { key, bytes, storedAt } of store.list(prefix)) {
      found.push({ key, bytes });
      expect(Math.abs(storedAt.getTime() - Date.now())).toBeLessThan(3_600_000);
    }
    return found.sort((a, b) => a.key.localeCompare(b.key));
  };
  const hashOf = async (body: AsyncIterable<Buffer>) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return { bytes, sha256: hash.digest('hex') };
  };

  it('give back what was put and are replaced whole', async () => {
    expect(await store.put('a/b', Readable.from([Buffer.from('one'), Buffer.from('two')]))).toEqual({
      key: 'a/b',
      bytes: 6,
    });
    expect(await text(await store.get('a/b'))).toBe('onetwo');
    await store.put('a/b', Readable.from([Buffer.from('new')]));
    expect(await text(await store.get('a/b'))).toBe('new');
    expect(await store.head('a/b')).toEqual({ key: 'a/b', bytes: 3 });
    await store.put('a/b', Readable.from([]));
    expect(await text(await store.get('a/b'))).toBe('');
    expect(await store.head('a/b')).toEqual({ key: 'a/b', bytes: 0 });
    expect(await adapter.unfinished()).toEqual([]);
  });

  it('may be large, and are whole in pieces and as a file', async () => {
    const bytes = 2 * PART + 12_345;
    const content = Buffer.alloc(bytes, 'The quick brown fox. ');
    const chunks = Array.from({ length: Math.ceil(bytes / 65_536) }, (_, at) =>
      content.subarray(at * 65_536, (at + 1) * 65_536),
    );
    const expected = await hashOf(Readable.from([content]));
    expect(await store.put('large/put', Readable.from(chunks))).toEqual({ key: 'large/put', bytes });
    writeFileSync(join(root, 'local'), content);
    expect(await store.putFile('large/file', join(root, 'local'))).toEqual({ key: 'large/file', bytes });
    expect(await hashOf(await store.get('large/put'))).toEqual(expected);
    await store.checkout('large/file', join(root, 'lent'));
    expect(readFileSync(join(root, 'lent')).equals(content)).toBe(true);
    const range = { start: PART - 5, end: PART + 5 };
    expect(await text(await store.get('large/put', range))).toBe(content.toString('utf8', range.start, range.end));
    expect(await adapter.unfinished()).toEqual([]);
  });

  it.each([
    [{ start: 0 }, '0123456789'],
    [{ start: 4 }, '456789'],
    [{ start: 2, end: 5 }, '234'],
    [{ start: 8, end: 100 }, '89'],
    [{ start: 3, end: 3 }, ''],
    [{ start: 10 }, ''],
    [{ start: 11, end: 20 }, ''],
  ])('are read in the range %j', async (range, expected) => {
    await store.put('a/digits', Readable.from([Buffer.from('0123456789')]));
    expect(await text(await store.get('a/digits', range))).toBe(expected);
    await expect(store.get('a/none', range)).rejects.toMatchObject({ code: 'object_not_found' });
  });

  it.each([0, PART])(
    'are not there after a stream that is too large, fails or is given up behind %d bytes',
    async (lead) => {
      await store.put('a/big', Readable.from([Buffer.from('old')]));
      const before = () => Buffer.alloc(lead + 1);
      const big = Readable.from([before(), Buffer.alloc(10)]);
      await expect(store.put('a/big', big, { maxBytes: lead + 10 })).rejects.toMatchObject({
        code: 'object_too_large',
      });
      const failing = Readable.from(
        (async function* () {
          yield before();
          throw new Error('connection lost');
        })(),
      );
      await expect(store.put('a/failing', failing)).rejects.toThrow('connection lost');
      const abort = new AbortController();
      const endless = new Readable({ read() {} });
      endless.push(before());
      const put = store.put('a/endless', endless, { signal: abort.signal });
      abort.abort();
      await expect(put).rejects.toMatchObject({ name: 'AbortError' });
      expect(await all('a/')).toEqual([{ key: 'a/big', bytes: 3 }]);
      expect(await text(await store.get('a/big'))).toBe('old');
      expect(await adapter.unfinished()).toEqual([]);
    },
  );

  it('take a local file over and are lent as files', async () => {
    writeFileSync(join(root, 'local'), 'bytes');
    await store.putFile('a/file', join(root, 'local'));
    expect(existsSync(join(root, 'local'))).toBe(false);
    await store.checkout('a/file', join(root, 'lent'));
    await expect(store.checkout('a/file', join(root, 'lent'))).rejects.toMatchObject({ code: 'EEXIST' });
    await store.delete('a/file');
    await store.delete('a/file');
    expect(readFileSync(join(root, 'lent'), 'utf8')).toBe('bytes');
    await expect(store.checkout('a/file', join(root, 'again'))).rejects.toMatchObject({ code: 'object_not_found' });
    expect(existsSync(join(root, 'again'))).toBe(false);
    await expect(store.get('a/file')).rejects.toMatchObject({ code: 'object_not_found' });
    expect(await store.head('a/file')).toBeUndefined();
  });

  it('are listed and removed by whole segments only', async () => {
    for (const key of ['g/1/x', 'g/1/y/z', 'g/12/x']) await store.put(key, Readable.from([Buffer.from('.')]));
    expect(await all('g/1/')).toEqual([
      { key: 'g/1/x', bytes: 1 },
      { key: 'g/1/y/z', bytes: 1 },
    ]);
    await store.deletePrefix('g/1/');
    expect((await all('g/')).map(({ key }) => key)).toEqual(['g/12/x']);
    await store.deletePrefix('nothing/');
    expect(await all('nothing/')).toEqual([]);
  });

  it('are listed and removed by the thousand', async () => {
    const keys = Array.from({ length: 1_003 }, (_, at) => `many/${String(at).padStart(4, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Readable.from([Buffer.from('.')]))));
    }
    expect((await all('many/')).map(({ key }) => key)).toEqual(keys);
    await store.deletePrefix('many/');
    expect(await all('many/')).toEqual([]);
  });

  it.each(['../x', 'a/../b', '/etc/passwd', 'a//b', '.unfinished/x', 'a/.hidden', '', 'a\\..\\b', 'a/b\0'])(
    'refuse the key %j',
    async (key) => {
      await expect(store.put(key, Readable.from([]))).rejects.toThrow('is not an object key');
      await expect(store.get(key)).rejects.toThrow('is not an object key');
      await expect(store.deletePrefix(`${key}/`)).rejects.toThrow('is not an object key');
    },
  );
});
