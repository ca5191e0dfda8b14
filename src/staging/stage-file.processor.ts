import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { isConnectionError } from '../common/lost-connection';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import type { Operation } from '../operations/operation.entity';
import { findType } from '../schemas/graph-schema';
import { ObjectStore } from '../storage/object-store';
import type { StageResult } from './duckdb/messages';
import { StagingEngine } from './duckdb/staging-engine';
import { GraphStanding } from './graph-standing';
import { Ingestion } from './ingestion';
import { columnTypes, tableNames } from './prepare-plan';
import { type FileStatus, partOf, type StagedFile } from './staged-file.entity';
import { FileAlreadyStaged, FileNotFound, TableNotFound } from './staging.errors';
import { StageFile, type StageFilePayload } from './staging.operations';
import { StagingRepository } from './staging.repository';

/** A file with uploaded bytes that nobody reads. */
const OPEN: FileStatus[] = ['uploaded', 'failed'];

/** Uploaded bytes -> checked, typed Parquet part -> one row more in the staging table's list of files. */
@Injectable()
@HandlesOperation(StageFile)
export class StageFileProcessor extends OperationProcessor<typeof StageFile> {
  constructor(
    private readonly files: StagingRepository,
    private readonly standing: GraphStanding,
    private readonly graphs: GraphsService,
    private readonly objects: ObjectStore,
    private readonly engine: StagingEngine,
    private readonly transactor: Transactor,
    private readonly clock: Clock,
    private readonly work: WorkDirectories,
    private readonly ingestion: Ingestion,
  ) {
    super();
  }

  async run({ fileId }: StageFilePayload, ctx: OperationContext): Promise<object> {
    const file = await this.files.find(this.transactor.em, fileId);
    const uploadKey = file?.uploadKey ?? null;
    if (file === null || uploadKey === null) throw new FileNotFound(fileId);
    // Earlier attempts have not published, or this one would not run; what they may have left is of no use.
    for (let earlier = 1; earlier < ctx.attempt; earlier += 1) {
      await this.objects.delete(partOf(file, { operationId: ctx.operationId, attempt: earlier }));
    }
    ctx.progress(1, `Reading ${file.fileName}`);
    return this.work.use(ctx, async (work) => {
      const output = join(work, 'part.parquet');
      const staged = await this.read(file, { work, output, signal: ctx.signal });
      const partKey = staged.written ? partOf(file, ctx) : uploadKey;
      if (staged.written) await this.objects.putFile(partKey, output);
      const { rows: row_count, columns } = staged;
      const result = { file_id: file.id, table_name: file.tableName, row_count, columns };
      try {
        await ctx.transaction(async (em) => {
          await this.publish(em, file, staged, partKey);
          await ctx.keepResult(em, result);
        });
      } catch (error) {
        // With its connection goes the answer whether it was committed; the next attempt knows, and clears up.
        if (staged.written && !isConnectionError(error)) await this.objects.delete(partKey);
        throw error;
      }
      await this.ingestion.begin(file.graphId);
      return result;
    });
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { fileId }: StageFilePayload,
    operation: Operation,
  ): Promise<void> {
    const changes =
      operation.status === 'cancelled'
        ? { status: 'uploaded' as const }
        : { status: 'failed' as const, error: operation.error };
    await this.files.change(em, fileId, ['staging'], changes);
  }

  /** Refuses where the file was removed, or staged by another operation, in the meantime. */
  protected override async beforeRetry(
    em: EntityManager,
    { fileId }: StageFilePayload,
    retry: Operation,
  ): Promise<void> {
    const file = await this.files.find(em, fileId);
    if (file === null || file.uploadKey === null) throw new FileNotFound(fileId);
    const changes = { status: 'staging' as const, operationId: retry.id, error: null };
    // Still "staging" by the failed operation itself: its end could not change the file.
    const from: FileStatus[] = file.operationId === retry.retryOf ? [...OPEN, 'staging'] : OPEN;
    if (!(await this.files.change(em, fileId, from, changes))) throw new FileAlreadyStaged(file.status);
  }

  private async read(
    file: StagedFile,
    { work, output, signal }: { work: string; output: string; signal: AbortSignal },
  ): Promise<StageResult> {
    const { schema } = await this.graphs.get(file.graphId);
    if (!findType(schema, file.tableName)) throw new TableNotFound(file.tableName, tableNames(schema));
    const input = join(work, `upload.${file.format}`);
    await this.objects.checkout(file.uploadKey!, input);
    const { csv, mapping } = file.options;
    const types = columnTypes(schema, file.tableName, mapping);
    const job = { task: 'stage', format: file.format, input, output, types, csv } as const;
    return this.engine.run(job, { directory: work, signal });
  }

  private async publish(em: EntityManager, file: StagedFile, staged: StageResult, partKey: string): Promise<void> {
    const stagedAt = this.clock.now();
    const { rows: rowCount, columns, content } = staged;
    const changes = { status: 'staged' as const, partKey, rowCount, columns, content, stagedAt, error: null };
    if (!(await this.files.change(em, file.id, ['staging'], changes))) throw new FileNotFound(file.id);
    const reason = `file "${file.fileName}" was staged into ${file.tableName}`;
    await this.standing.noteChange(em, file.graphId, reason, stagedAt);
  }
}
