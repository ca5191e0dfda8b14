import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync, readFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { PlatformConfig } from '../config/platform.config';
import { nameOfProcess } from './file-owner';
import { FileSystemObjectStore } from './file-system.object-store';
import type { StoredObject } from './object-store';

describe('FileSystemObjectStore', () => {
  let root: string;
  let store: FileSystemObjectStore;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'objects-'));
    store = new FileSystemObjectStore(Object.assign(new PlatformConfig(), { dataDir: root }));
    await store.onModuleInit();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const unfinished = () => readdirSync(join(root, 'objects', '.unfinished'));
  const all = async (prefix: string) => {
    const found: StoredObject[] = [];
    for await (const object of store.list(prefix)) found.push(object);
    return found.sort((a, b) => a.key.localeCompare(b.key));
  };

  it('gives back what was put and replaces it whole', async () => {
    expect(await store.put('a/b', Readable.from([Buffer.from('one'), Buffer.from('two')]))).toEqual({
      key: 'a/b',
      bytes: 6,
    });
    expect(await text(await store.get('a/b'))).toBe('onetwo');
    await store.put('a/b', Readable.from([Buffer.from('new')]));
    expect(await text(await store.get('a/b'))).toBe('new');
    expect(await store.head('a/b')).toEqual({ key: 'a/b', bytes: 3 });
    expect(unfinished()).toEqual([]);
  });

  it.each([
    [{ start: 0 }, '0123456789'],
    [{ start: 4 }, '456789'],
    [{ start: 2, end: 5 }, '234'],
    [{ start: 8, end: 100 }, '89'],
    [{ start: 3, end: 3 }, ''],
    [{ start: 10 }, ''],
    [{ start: 11, end: 20 }, ''],
  ])('reads %j of an object', async (range, expected) => {
    await store.put('a/digits', Readable.from([Buffer.from('0123456789')]));
    expect(await text(await store.get('a/digits', range))).toBe(expected);
  });

  it('keeps nothing of a stream that is too large, fails or is given up', async () => {
    const big = Readable.from([Buffer.alloc(10), Buffer.alloc(10)]);
    await expect(store.put('a/big', big, { maxBytes: 19 })).rejects.toMatchObject({ code: 'object_too_large' });
    const failing = new Readable({
      read() {
        this.push(Buffer.alloc(5));
        this.destroy(new Error('connection lost'));
      },
    });
    await expect(store.put('a/failing', failing)).rejects.toThrow('connection lost');
    const endless = new Readable({ read() {} });
    const abort = new AbortController();
    const put = store.put('a/endless', endless, { signal: abort.signal });
    abort.abort();
    await expect(put).rejects.toMatchObject({ name: 'AbortError' });
    expect(await all('a/')).toEqual([]);
    expect(unfinished()).toEqual([]);
  });

  it('tells a full disk apart and keeps the object that was there', async () => {
    await store.put('a/b', Readable.from([Buffer.from('old')]));
    const full = new Readable({
      read() {
        this.destroy(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      },
    });
    await expect(store.put('a/b', full)).rejects.toMatchObject({ code: 'storage_full', kind: 'unavailable' });
    expect(await text(await store.get('a/b'))).toBe('old');
    expect(unfinished()).toEqual([]);
  });

  it('takes a local file over and lends objects as files', async () => {
    writeFileSync(join(root, 'local'), 'bytes');
    await store.putFile('a/file', join(root, 'local'));
    expect(existsSync(join(root, 'local'))).toBe(false);
    await store.checkout('a/file', join(root, 'lent'));
    await store.delete('a/file');
    expect(readFileSync(join(root, 'lent'), 'utf8')).toBe('bytes');
    await expect(store.checkout('a/file', join(root, 'again'))).rejects.toMatchObject({ code: 'object_not_found' });
    await expect(store.get('a/file')).rejects.toMatchObject({ code: 'object_not_found' });
    expect(await store.head('a/file')).toBeUndefined();
  });

  it('takes a file over from another disk', async () => {
    // Shared memory is a file system of its own on every Linux.
    const other = mkdtempSync('/dev/shm/objects-');
    try {
      writeFileSync(join(other, 'local'), 'bytes');
      expect(await store.putFile('a/file', join(other, 'local'))).toEqual({ key: 'a/file', bytes: 5 });
      expect(readdirSync(other)).toEqual([]);
      expect(await text(await store.get('a/file'))).toBe('bytes');
      expect(unfinished()).toEqual([]);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it('removes at its start what a killed process was writing, and leaves what one that lives is writing', async () => {
    const writer = join(root, 'writer.cjs');
    writeFileSync(writer, 'process.stdin.resume()');
    const other = spawn(process.execPath, [writer], { stdio: ['pipe', 'ignore', 'inherit'] });
    const abandoned = (name: string) => writeFileSync(join(root, 'objects', '.unfinished', name), 'half');
    try {
      await once(other, 'spawn');
      const owner = nameOfProcess(other.pid!)!;
      const [boot, space, pid, start] = owner.split('_');
      const names = {
        theirs: `${owner}_1`,
        mine: `${nameOfProcess(process.pid)}_1`,
        elsewhere: `${boot}_1_${pid}_${start}_1`,
        beforeReboot: `other_${space}_${pid}_${start}_1`,
        ofReusedId: `${boot}_${space}_${process.pid}_1_1`,
      };
      for (const name of Object.values(names)) abandoned(name);
      await store.onModuleInit();
      expect(unfinished().sort()).toEqual([names.theirs, names.mine, names.elsewhere, names.beforeReboot].sort());
      other.kill('SIGKILL');
      await once(other, 'exit');
      await store.onModuleInit();
      expect(unfinished().sort()).toEqual([names.mine, names.elsewhere, names.beforeReboot].sort());
      const old = new Date(Date.now() - 25 * 3_600_000);
      for (const name of unfinished()) utimesSync(join(root, 'objects', '.unfinished', name), old, old);
      await store.onModuleInit();
      // However slowly this one is written, its writer lives.
      expect(unfinished()).toEqual([names.mine]);
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('names what it is writing after the process', async () => {
    const abort = new AbortController();
    const put = store.put('a/endless', new Readable({ read() {} }), { signal: abort.signal });
    try {
      while (unfinished().length === 0) await setImmediate();
      expect(unfinished()).toEqual([expect.stringContaining(`${nameOfProcess(process.pid)}_`)]);
    } finally {
      abort.abort();
      await expect(put).rejects.toMatchObject({ name: 'AbortError' });
    }
  });

  it('lists and removes whole segments only', async () => {
    for (const key of ['g/1/x', 'g/1/y/z', 'g/12/x']) await store.put(key, Readable.from([Buffer.from('.')]));
    expect((await all('g/1/')).map(({ key }) => key)).toEqual(['g/1/x', 'g/1/y/z']);
    await store.deletePrefix('g/1/');
    expect((await all('g/')).map(({ key }) => key)).toEqual(['g/12/x']);
    expect(await all('nothing/')).toEqual([]);
  });

  it.each(['../x', 'a/../b', '/etc/passwd', 'a//b', '.unfinished/x', 'a/.hidden', '', 'a\\..\\b', 'a/b\0'])(
    'refuses the key %j',
    async (key) => {
      await expect(store.put(key, Readable.from([]))).rejects.toThrow('is not an object key');
      await expect(store.get(key)).rejects.toThrow('is not an object key');
      await expect(store.deletePrefix(`${key}/`)).rejects.toThrow('is not an object key');
    },
  );
});
