import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { PlatformConfig } from '../config/platform.config';
import { nameOfProcess } from './file-owner';
import { FileSystemObjectStore } from './file-system.object-store';

/** What holds for files alone; the rest is in `object-store.spec.ts`. */
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
});
