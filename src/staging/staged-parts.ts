import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import type { Graph } from '../graphs/graph.entity';
import type { OperationContext } from '../jobs/operation-context';
import { ObjectStore } from '../storage/object-store';
import { ObjectNotFound } from '../storage/storage.errors';
import type { PartRef } from './duckdb/messages';
import { StagingEngine } from './duckdb/staging-engine';
import { columnTypes } from './prepare-plan';
import { filePrefix, partOf, StagedFile } from './staged-file.entity';
import { StagingChanged } from './staging.errors';

/** The stored Parquet of staged files: taken out, made of rows that came without a file, and copied for another graph. */
@Injectable()
export class StagedParts {
  constructor(
    private readonly objects: ObjectStore,
    private readonly engine: StagingEngine,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Puts a staged file's part into a folder. Throws `StagingChanged` where the file was deleted meanwhile. */
  async checkout(file: StagedFile, folder: string): Promise<PartRef> {
    if (file.partKey === null) throw new Error(`File ${file.id} is ${file.status} and has no part`);
    const path = join(folder, `${file.id}.parquet`);
    try {
      await this.objects.checkout(file.partKey, path);
    } catch (error) {
      if (error instanceof ObjectNotFound) throw new StagingChanged(file.fileName);
      throw error;
    }
    const { mapping, ends, csv } = file.options;
    const formats = { dateFormats: csv?.dateFormats, timestampFormats: csv?.timestampFormats };
    return { fileId: file.id, fileName: file.fileName, path, mapping, ends, ...formats };
  }

  /**
   * Makes a part of rows that came without a file. It is in no table until `StagingService.insertStaged` says so, in the transaction
   * that makes the rows live; from then on it is a file like others, so that a rebuild has its rows too.
   */
  async partOfRows(
    { id: graphId, schema }: Pick<Graph, 'id' | 'schema'>,
    { id, tableName, rows, uploadKey }: { id: string; tableName: string; rows: object[]; uploadKey?: string },
    { directory, ctx }: { directory: string; ctx: OperationContext },
  ): Promise<StagedFile> {
    const [input, output] = [join(directory, `${tableName}.ndjson`), join(directory, `${tableName}.rows.parquet`)];
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await writeFile(input, text);
    const types = columnTypes(schema, tableName);
    const job = { task: 'stage', format: 'json', input, output, types } as const;
    const { rows: rowCount, columns, content } = await this.engine.run(job, { directory, signal: ctx.signal });
    const partKey = `${filePrefix({ graphId, id })}rows.parquet`;
    await this.objects.putFile(partKey, output);
    const now = this.clock.now();
    return Object.assign(new StagedFile(), {
      id,
      graphId,
      tableName,
      fileName: `rows-${ctx.operationId}.ndjson`,
      format: 'json' as const,
      options: {},
      content,
      status: 'staged' as const,
      sizeBytes: Buffer.byteLength(text),
      uploadKey: uploadKey ?? partKey,
      partKey,
      rowCount,
      columns,
      error: null,
      operationId: ctx.operationId,
      materializedGeneration: null,
      ingestBy: null,
      ingestOperationId: null,
      createdBy: ctx.userId,
      createdAt: now,
      uploadedAt: now,
      stagedAt: now,
    });
  }

  /**
   * Copies staged files for another graph; neither notices what becomes of the other. The copies are in no table until
   * `StagingService.insertStaged` says so. Throws `StagingChanged` (retryable) where a file was deleted since the snapshot.
   */
  async copyFiles(
    files: StagedFile[],
    graphId: string,
    { directory, ctx }: { directory: string; ctx: OperationContext },
  ): Promise<StagedFile[]> {
    const copies: StagedFile[] = [];
    try {
      for (const file of files) {
        ctx.signal.throwIfAborted();
        const id = this.ids.uuid();
        const partKey = partOf({ graphId, id }, ctx);
        const { path } = await this.checkout(file, directory);
        const materializedGeneration = null;
        const owned = {
          id,
          graphId,
          uploadKey: partKey,
          partKey,
          copyOf: file.id,
          createdBy: ctx.userId,
          ingestBy: null,
        };
        copies.push(
          Object.assign(new StagedFile(), file, owned, {
            operationId: ctx.operationId,
            ingestOperationId: null,
            materializedGeneration,
          }),
        );
        await this.objects.putFile(partKey, path);
      }
      return copies;
    } catch (error) {
      await this.discardCopies(copies);
      throw error;
    }
  }

  /** Removes copies that were not put into tables. */
  async discardCopies(copies: StagedFile[]): Promise<void> {
    for (const copy of copies) await this.objects.deletePrefix(filePrefix(copy));
  }
}

/** Where the rows of a request are kept: with the file that becomes of the first of their tables. */
export function batchKey(graphId: string, batchId: string): string {
  return `${filePrefix({ graphId, id: batchId })}rows.json`;
}

/** The files of a request's rows: always the same ones, so that an attempt overwrites what one before it has left. */
export function fileOfRows(batchId: string, tableName: string, at: number): string {
  if (at === 0) return batchId;
  const digits = createHash('sha256').update(`${batchId}/${tableName}`).digest('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}
