import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { type GenerationManifest, type GenerationRef, GraphEngine } from '../engine/graph-engine';
import { loadsOf } from '../materialization/load-plan';
import type { GraphSchema, Property } from '../schemas/graph-schema';
import { definitionsOf } from '../schemas/schema-definitions';
import { FileMalformed } from '../staging/staging.errors';
import { StagingEngine } from '../staging/duckdb/staging-engine';
import { columnTypes, preparedPairs, preparePlan } from '../staging/prepare-plan';
import { type BackupManifest, type ExportedTable, sameCounts } from './backup-manifest';
import { BackupObjects, type StoredBackup } from './backup-objects';
import { BackupDamaged, BackupNotRestorable } from './backups.errors';
import { DATA_FOLDER } from './graph-exports';

type Progress = (percent: number, message: string) => void;

/** Reads the files of exports back: to count their rows, or to make a graph of them. */
@Injectable()
export class ExportImports {
  constructor(
    private readonly objects: BackupObjects,
    private readonly staging: StagingEngine,
    private readonly engine: GraphEngine,
  ) {}

  /** Proves that every file is what was written and has the rows that it should. Throws {@link BackupDamaged}. */
  async verify(backup: StoredBackup, directory: string, signal: AbortSignal): Promise<void> {
    const folder = await this.unpack(backup, directory, signal);
    for (const table of tablesOf(backup)) await rm(await this.stage(backup.manifest, table, folder, signal));
    await rm(folder, { recursive: true });
  }

  /**
   * Builds a generation with the schema and the rows of an export, by the way of files that somebody uploads. Throws
   * {@link BackupDamaged}, {@link BackupNotRestorable}; then nothing is left at its place.
   */
  async build(
    backup: StoredBackup,
    target: GenerationRef,
    { directory, signal, onProgress }: { directory: string; signal: AbortSignal; onProgress: Progress },
  ): Promise<GenerationManifest> {
    const { manifest } = backup;
    const folder = await this.unpack(backup, directory, signal);
    const schema = asWritten(manifest.schema);
    const plan = preparePlan(schema);
    for (const table of tablesOf(backup)) {
      onProgress(10, `Reading ${table.table}`);
      const path = await this.stage(manifest, table, folder, signal);
      plan.find((one) => one.table === table.table)!.parts.push({ fileId: table.file, fileName: table.file, path });
    }
    onProgress(30, 'Checking the rows');
    const output = join(directory, 'prepared');
    await mkdir(output);
    const tables = plan.flatMap((table) => preparedPairs(schema, table));
    const prepared = await this.staging.run({ task: 'prepare', tables, output }, { directory, signal });
    refuseRejects(prepared.tables);
    const loads = loadsOf(schema, { ...prepared, samples: [], directory });
    const built = await this.engine.build(
      { target, definitions: definitionsOf(manifest.schema), loads, inputDirectory: directory },
      {
        signal,
        onProgress: ({ table, rows, totalRows }) =>
          onProgress(50 + (rows / Math.max(1, totalRows)) * 50, `Loading ${table}`),
      },
    );
    if (sameCounts(built.nodes, manifest.nodes) && sameCounts(built.relationships, manifest.relationships))
      return built;
    await this.engine.drop(target);
    throw new BackupDamaged('other numbers of rows were counted in it than when it was made');
  }

  private async unpack(backup: StoredBackup, directory: string, signal: AbortSignal): Promise<string> {
    const folder = join(directory, 'files');
    await mkdir(folder, { recursive: true });
    const wanted = (name: string): string | null =>
      name.startsWith(DATA_FOLDER) ? name.slice(DATA_FOLDER.length) : null;
    await this.objects.unpack(backup, { folder, wanted, signal });
    return folder;
  }

  /** The path of the table's rows as typed Parquet, for loading. */
  private async stage(
    { format, schema }: BackupManifest,
    { table, file, rows }: ExportedTable,
    directory: string,
    signal: AbortSignal,
  ): Promise<string> {
    const input = join(directory, file.slice(DATA_FOLDER.length));
    const output = join(directory, `${table}.staged.parquet`);
    const types = columnTypes(schema, table);
    const csv = format === 'csv' ? { delimiter: ',', quote: '"', escape: '"', header: true } : undefined;
    const job = { task: 'stage', format: format as 'csv' | 'json' | 'parquet', input, output, types, csv } as const;
    try {
      const staged = await this.staging.run(job, { directory, signal });
      if (staged.rows !== rows) throw new BackupDamaged(`"${file}" in it has ${staged.rows} rows in place of ${rows}`);
      return staged.written ? output : input;
    } catch (error) {
      throw error instanceof FileMalformed
        ? new BackupDamaged(`"${file}" in it cannot be read: ${error.message}`)
        : error;
    }
  }
}

/** Those that have rows: there is nothing to read in others. */
function tablesOf({ manifest }: StoredBackup): ExportedTable[] {
  return (manifest.tables ?? []).filter(({ rows }) => rows > 0);
}

/** What is absent stays so: the rows are those of a graph and not of somebody who left values to the schema. */
function asWritten(schema: GraphSchema): GraphSchema {
  const plain = ({ default: _, ...property }: Property): Property => ({ ...property, required: false });
  const types = <T extends { properties: Property[] }>(list: T[]): T[] =>
    list.map((type) => ({ ...type, properties: type.properties.map(plain) }));
  return { ...schema, nodes: types(schema.nodes), relationships: types(schema.relationships) };
}

function refuseRejects(
  tables: { table: string; rowsRejected: number; samples: { row: number; detail: string }[] }[],
): void {
  for (const { table, rowsRejected, samples } of tables) {
    if (rowsRejected === 0) continue;
    const [first] = samples;
    const example = first === undefined ? '' : `, such as row ${first.row}: ${first.detail}`;
    throw new BackupNotRestorable(`${rowsRejected} rows of ${table} cannot be loaded again${example}`);
  }
}
