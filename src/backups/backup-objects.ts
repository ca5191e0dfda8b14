import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { type ByteRange, ObjectStore } from '../storage/object-store';
import { type Backup, manifestKeyOf } from './backup.entity';
import { archiveOf, type ArchiveSource, unpackArchive } from './backup-archive';
import type { BackupManifest } from './backup-manifest';
import { BackupDamaged } from './backups.errors';
import { DataKeys } from './data-keys';
import { partOf } from './byte-ranges';
import { FRAME_BYTES, HEADER_BYTES, seal, unseal, unsealFrom } from './sealed-stream';

/** Frames between two places from which a part can be read: 64 MiB of the archive. */
const SEEK_EVERY = 64;

/** What using a backup's bytes needs to know of it. */
export type StoredBackup = Pick<Backup, 'id' | 'orgId'> & { objectKey: string; manifest: BackupManifest };

/** The bytes of backups in the object store, sealed. */
@Injectable()
export class BackupObjects {
  constructor(
    private readonly objects: ObjectStore,
    private readonly keys: DataKeys,
  ) {}

  /** Stores the files as one object, in memory that does not depend on their size. Nothing is there where it throws. */
  async write(
    { id, orgId }: Pick<Backup, 'id' | 'orgId'>,
    key: string,
    sources: ArchiveSource[],
    { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
  ): Promise<Pick<BackupManifest, 'content' | 'stored'>> {
    const sealKey = { dataKey: await this.keys.of(orgId), name: id };
    const { archive, files } = archiveOf(sources);
    const hash = createHash('sha256');
    let bytes = 0;
    const content = passing(archive, (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(bytes);
    });
    const starts: number[] = [];
    let frames = 0;
    const noteFrame = (start: number): void => {
      if (frames++ % SEEK_EVERY === 0) starts.push(start);
    };
    const body = Readable.from(seal(content, sealKey, noteFrame), { objectMode: false, highWaterMark: FRAME_BYTES });
    const stored = await this.objects.put(key, body, { signal });
    return {
      content: { archive: 'tar', bytes, sha256: hash.digest('hex'), files },
      stored: {
        bytes: stored.bytes,
        compression: 'zstd',
        encryption: 'AES-256-GCM',
        frame_bytes: FRAME_BYTES,
        seek: { every: SEEK_EVERY, starts },
      },
    };
  }

  async writeManifest(objectKey: string, manifest: BackupManifest): Promise<void> {
    await this.objects.put(manifestKeyOf(objectKey), Readable.from([JSON.stringify(manifest, null, 2)]));
  }

  /** The archive as it was before it was sealed. Throws {@link BackupDamaged}, `ObjectNotFound`. */
  async *read({ id, orgId, objectKey, manifest }: StoredBackup): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    yield* passing(await this.unsealed({ id, orgId, objectKey }), (chunk) => hash.update(chunk));
    if (hash.digest('hex') !== manifest.content.sha256) throw new BackupDamaged('it is not what was written');
  }

  /**
   * A part of the archive. What is stored is read from shortly before it, and each frame proves itself; the archive as a whole
   * is not proven. Throws as {@link read}.
   */
  async *readPart(backup: StoredBackup, { start, end }: Required<ByteRange>): AsyncGenerator<Buffer> {
    const { frame_bytes: frameBytes, seek } = backup.manifest.stored;
    if (seek === undefined) {
      yield* partOf(this.read(backup), { start, end });
      return;
    }
    const place = Math.min(Math.floor(start / frameBytes / seek.every), seek.starts.length - 1);
    const frame = place * seek.every;
    const before = frame * frameBytes;
    const key = { dataKey: await this.keys.of(backup.orgId), name: backup.id };
    const header = await buffer(await this.objects.get(backup.objectKey, { start: 0, end: HEADER_BYTES }));
    const sealed = await this.objects.get(backup.objectKey, { start: seek.starts[place] });
    yield* partOf(unsealFrom(sealed, key, { header, frame }), { start: start - before, end: end - before });
  }

  /** Proves every file of a backup, and puts those that `wanted` names into a folder. Throws {@link BackupDamaged}. */
  async unpack(
    backup: StoredBackup,
    place: { folder: string; wanted: (name: string) => string | null; signal: AbortSignal },
  ): Promise<void> {
    // Each frame proves itself and its place, and each file has a hash of its own: nothing is left for one of the whole.
    await unpackArchive(await this.unsealed(backup), backup.manifest.content.files, place);
  }

  private async unsealed({ id, orgId, objectKey }: Omit<StoredBackup, 'manifest'>): Promise<AsyncGenerator<Buffer>> {
    const key = { dataKey: await this.keys.of(orgId), name: id };
    return unseal(await this.objects.get(objectKey), key);
  }

  async remove(objectKey: string): Promise<void> {
    await this.objects.delete(objectKey);
    await this.objects.delete(manifestKeyOf(objectKey));
  }
}

async function* passing(source: AsyncIterable<Buffer>, seen: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    seen(chunk);
    yield chunk;
  }
}
