import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Pack } from 'tar-stream';
import type { ArchivedFile } from './backup-manifest';
import { BackupDamaged } from './backups.errors';

export interface ArchiveSource {
  name: string;
  /** Text, or the path of a file with its size. */
  content: string | { path: string; bytes: number };
}

const CHUNK_BYTES = 1024 * 1024;
/** The same archive for the same files, whenever it is made. */
const NO_TIME = new Date(0);

/** A tar archive of some files, made as it is read. `files` has each of them once it was read to its end. */
export function archiveOf(sources: ArchiveSource[]): { archive: Readable; files: ArchivedFile[] } {
  const archive = pack({ highWaterMark: CHUNK_BYTES });
  const files: ArchivedFile[] = [];
  fill(archive, sources, files).catch((error: Error) => archive.destroy(error));
  return { archive: Readable.from(archive, { objectMode: false }), files };
}

async function fill(archive: Pack, sources: ArchiveSource[], files: ArchivedFile[]): Promise<void> {
  for (const { name, content } of sources) {
    const { bytes, body } =
      typeof content === 'string'
        ? { bytes: Buffer.byteLength(content), body: Readable.from([Buffer.from(content)]) }
        : { bytes: content.bytes, body: createReadStream(content.path, { highWaterMark: CHUNK_BYTES }) };
    const hash = new Hashed();
    // Fails where the file has become shorter or longer than was announced.
    const entry = archive.entry({ name, size: bytes, mode: 0o600, mtime: NO_TIME });
    await pipeline(body, hash, entry as unknown as NodeJS.WritableStream);
    files.push({ name, bytes, sha256: hash.digest() });
  }
  archive.finalize();
}

/**
 * Puts those files of an archive into a folder that `wanted` gives a name there, and hashes all of them. Throws
 * {@link BackupDamaged} where it does not hold exactly `expected`.
 */
export async function unpackArchive(
  content: AsyncIterable<Buffer>,
  expected: ArchivedFile[],
  { folder, wanted, signal }: { folder: string; wanted: (name: string) => string | null; signal: AbortSignal },
): Promise<void> {
  const files = new Map(expected.map((file) => [file.name, file]));
  const reader = extract();
  const source = Readable.from(content, { objectMode: false, highWaterMark: CHUNK_BYTES });
  const reading = pipeline(source, reader as unknown as NodeJS.WritableStream, { signal });
  // Whichever of the two fails first ends the other; what counts is told below.
  reading.catch((error: Error) => reader.destroy(error));
  for await (const entry of reader) {
    const { name } = entry.header;
    const file = files.get(name);
    if (file === undefined || entry.header.type !== 'file')
      throw new BackupDamaged(`it holds "${name}", which it should not`);
    files.delete(name);
    const target = wanted(name);
    const hash = new Hashed();
    const body = Readable.from(entry, { objectMode: false });
    if (target === null) await pipeline(body, hash.resume(), { signal });
    else
      await pipeline(
        body,
        hash,
        createWriteStream(join(folder, target), { flags: 'wx', mode: 0o600, highWaterMark: 4 * CHUNK_BYTES }),
        { signal },
      );
    if (hash.bytes !== file.bytes || hash.digest() !== file.sha256)
      throw new BackupDamaged(`"${name}" in it is not what was put there`);
  }
  await reading;
  if (files.size > 0) throw new BackupDamaged(`"${[...files.keys()][0]}" is missing in it`);
}

/** Passes bytes on, counts and hashes them. */
export class Hashed extends Transform {
  bytes = 0;
  private readonly hash = createHash('sha256');

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.bytes += chunk.length;
    this.hash.update(chunk);
    done(null, chunk);
  }

  /** Of all that has passed, hexadecimal; once, at the end. */
  digest(): string {
    return this.hash.digest('hex');
  }
}
