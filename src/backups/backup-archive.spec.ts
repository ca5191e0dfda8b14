import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { archiveOf, unpackArchive } from './backup-archive';

describe('the archive of a backup', () => {
  let folder: string;
  const { signal } = new AbortController();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'archive-'));
    writeFileSync(join(folder, 'data'), Buffer.alloc(3_000_001, 5));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const sources = (bytes = 3_000_001) => [
    { name: 'manifest.json', content: '{}' },
    { name: 'graph/data', content: { path: join(folder, 'data'), bytes } },
  ];
  const made = async () => {
    const { archive, files } = archiveOf(sources());
    return { bytes: await buffer(archive), files };
  };

  it('gives its files back, and those that are not wanted are checked all the same', async () => {
    const { bytes, files } = await made();
    const wanted = (name: string): string | null => (name === 'graph/data' ? 'copy' : null);
    await unpackArchive(Readable.from([bytes]), files, { folder, wanted, signal });
    expect(readFileSync(join(folder, 'copy')).equals(readFileSync(join(folder, 'data')))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['copy', 'data']);
    expect(files.map(({ name }) => name)).toEqual(['manifest.json', 'graph/data']);
  });

  it.each([
    ['of another file', (bytes: Buffer) => bytes.fill(6, 2_000_000, 2_000_001)],
    ['that ends early', (bytes: Buffer) => bytes.subarray(0, 2_000_000)],
    ['that is empty', () => Buffer.alloc(0)],
  ])('refuses one %s', async (_, change) => {
    const { bytes, files } = await made();
    const reading = unpackArchive(Readable.from([change(bytes)]), files, { folder, wanted: () => null, signal });
    await expect(reading).rejects.toThrow();
  });

  it('fails where a file is not as large as it was', async () => {
    await expect(buffer(archiveOf(sources(5)).archive)).rejects.toThrow();
    await expect(buffer(archiveOf(sources(3_000_002)).archive)).rejects.toThrow();
  });

  it('fails where a file is gone', async () => {
    const gone = [{ name: 'x', content: { path: join(folder, 'gone'), bytes: 1 } }];
    await expect(buffer(archiveOf(gone).archive)).rejects.toThrow('ENOENT');
  });
});
