import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { OPERATION_ID } from '../common/ids';
import { OperationNotFound } from '../operations/operations.errors';
import { OperationsService } from '../operations/operations.service';
import type { OperationContext } from '../jobs/operation-context';
import { ObjectStore } from '../storage/object-store';
import { ObjectNotFound } from '../storage/storage.errors';
import type { PreparedTable } from './duckdb/messages';
import { RejectsRepository } from './rejects.repository';
import { rejectsOf } from './staged-file.entity';
import { RejectsRemoved } from './staging.errors';

/** Rows that were not right, kept for a while for those who want to mend them. */
@Injectable()
export class RejectsService {
  constructor(
    private readonly rejects: RejectsRepository,
    private readonly objects: ObjectStore,
    private readonly operations: OperationsService,
  ) {}

  /**
   * Keeps what an attempt rejected, in the place of what the operation's earlier attempts did. Throws `StaleAttemptError`
   * where the attempt is over; then nothing that counts was touched.
   */
  async keep(ctx: OperationContext, graphId: string, tables: PreparedTable[]): Promise<void> {
    const prefix = rejectsOf({ graphId, operationId: ctx.operationId, attempt: ctx.attempt });
    const kept: string[] = [];
    for (const { table, rejectsFile } of tables) {
      if (rejectsFile === null) continue;
      await this.objects.putFile(`${prefix}${table}.parquet`, rejectsFile);
      kept.push(table);
    }
    const { operationId } = ctx;
    await ctx.transaction((em) => this.rejects.publish(em, { operationId, graphId }, { prefix, tables: kept }));
  }

  /** For a graph that is deleted: its objects are removed with all others of it. */
  forget(graphId: string): Promise<void> {
    return this.rejects.removeAll(graphId);
  }

  /** Which operation of the graph rejected rows last, of those whose rows are still kept. */
  newest(graphId: string): Promise<string | undefined> {
    return this.rejects.newest(graphId);
  }

  /**
   * Puts the rejected rows of an operation of this graph into a folder: a file for each table, none where all rows were
   * right. Throws `OperationNotFound`, {@link RejectsRemoved}.
   */
  async checkout(graphId: string, operationId: string, folder: string): Promise<string[]> {
    if (!OPERATION_ID.test(operationId)) throw new OperationNotFound(operationId);
    const operation = await this.operations.get(operationId);
    if (operation.graphId !== graphId) throw new OperationNotFound(operationId);
    const kept = await this.rejects.find(graphId, operationId);
    if (kept === undefined) return [];
    if (kept.removedAt !== null) throw new RejectsRemoved(kept.removedAt);
    const paths: string[] = [];
    for (const table of kept.tables) {
      const path = join(folder, `${table}.parquet`);
      await this.objects.checkout(`${kept.prefix}${table}.parquet`, path).catch((error: unknown) => {
        throw error instanceof ObjectNotFound ? new RejectsRemoved(kept.removedAt) : error;
      });
      paths.push(path);
    }
    return paths;
  }
}
