import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { GraphUnreadable } from '../engine/engine.errors';
import { type GenerationManifest, type GenerationRef, GraphEngine } from '../engine/graph-engine';
import { BackupObjects, type StoredBackup } from './backup-objects';
import { sameCounts } from './backup-manifest';
import { BackupDamaged, BackupNotRestorable } from './backups.errors';
import { ExportImports } from './export-imports';

/** Where the engine's files are inside the archive of a full dump. */
export const GRAPH_FOLDER = 'graph/';

/** Proves that a backup is what was backed up. */
@Injectable()
export class BackupChecks {
  constructor(
    private readonly objects: BackupObjects,
    private readonly engine: GraphEngine,
    private readonly imports: ExportImports,
  ) {}

  /** Reads it back; a full dump is also opened and counted, and the rows of an export are. `directory` is scratch space. */
  async verify(backup: StoredBackup, directory: string, signal: AbortSignal): Promise<void> {
    const { format, graph_id: graphId, generation } = backup.manifest;
    if (format !== 'full_dump') return this.imports.verify(backup, directory, signal);
    const target = { graphId, generation, directory: join(directory, 'opened') };
    await this.open(backup, target, { signal, temporary: true });
    await this.engine.drop(target);
  }

  /**
   * Fetches, decrypts and proves a full dump, puts it at a generation's place, opens it there and compares what is counted.
   * Throws {@link BackupDamaged}, {@link BackupNotRestorable}; then nothing is left at that place.
   */
  async open(
    backup: StoredBackup,
    target: GenerationRef,
    options: { signal: AbortSignal; temporary?: boolean; keepOpen?: boolean },
  ): Promise<GenerationManifest> {
    const { manifest } = backup;
    const wanted = (name: string): string | null =>
      name.startsWith(GRAPH_FOLDER) ? name.slice(GRAPH_FOLDER.length) : null;
    let placed = false;
    const place = async (folder: string): Promise<string | undefined> => {
      await this.objects.unpack(backup, { folder, wanted, signal: options.signal });
      placed = true;
      // The database file comes first; what was unpacked is proven to be it.
      return manifest.content.files.find(({ name }) => name.startsWith(GRAPH_FOLDER))?.sha256;
    };
    try {
      const opened = await this.engine.adopt(target, place, options);
      if (sameCounts(opened.nodes, manifest.nodes) && sameCounts(opened.relationships, manifest.relationships))
        return opened;
      await this.engine.drop(target);
      throw new BackupDamaged('other numbers of rows were counted in it than when it was made');
    } catch (error) {
      if (error instanceof GraphUnreadable && placed) throw new BackupNotRestorable(otherVersion(backup));
      throw error;
    }
  }
}

function otherVersion({ manifest }: StoredBackup): string {
  const { engine, engine_version: version, storage_version: storage } = manifest;
  return (
    `it was made by ${engine} ${version} (storage version ${storage ?? 'unknown'}), whose files the engine of this ` +
    'installation cannot open. With the version of the platform that made it, make a backup of the format "parquet" of ' +
    'that graph; such backups do not depend on the engine'
  );
}
