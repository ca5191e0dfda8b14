import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { ObjectStore } from '../storage/object-store';
import { GraphStanding } from './graph-standing';
import { Ingestion } from './ingestion';
import { type FileStatus, madeObject, type StagedFile } from './staged-file.entity';
import { FileNotUploaded, GraphBusy } from './staging.errors';
import { StageFile } from './staging.operations';
import { StagingRepository } from './staging.repository';

/** States in which a file is kept without being part of its table. */
export type SetAside = Extract<FileStatus, 'disabled' | 'archived'>;

/** Takes uploaded files into their tables, and out of them again without removing them. */
@Injectable()
export class FileStatesService {
  constructor(
    private readonly files: StagingRepository,
    private readonly standing: GraphStanding,
    private readonly ingestion: Ingestion,
    private readonly objects: ObjectStore,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  /**
   * Starts reading an uploaded file into its table, unless that is done or under way; null where it is done. A disabled
   * file is back at once. `ingest`: it is to be loaded into the graph as soon as it is staged. Throws `FileNotFound`,
   * {@link FileNotUploaded}.
   */
  async requestStaging(
    actor: Actor,
    orgId: string,
    graphId: string,
    fileId: string,
    { ingest }: { ingest: boolean },
  ): Promise<string | null> {
    const operationId = await this.transactor.run(async (em) => {
      const file = await this.files.lock(em, graphId, fileId);
      if (file.uploadKey === null) throw new FileNotUploaded();
      if (ingest) await this.files.askToIngest(em, fileId, actor.userId);
      if (file.status === 'staged') return null;
      if (file.status === 'staging') return file.operationId;
      const isBack = file.partKey !== null;
      if (isBack) await this.putBack(em, file);
      const details = {
        graph_id: graphId,
        operation_id: isBack ? null : await this.beginStaging(em, actor, orgId, file),
      };
      const action = isBack ? 'file.enabled' : 'file.staging_requested';
      await this.audit.record(em, { actor, action, target: fileId, orgId, details });
      return details.operation_id;
    });
    if (ingest && operationId === null) await this.ingestion.begin(graphId);
    return operationId;
  }

  /** The operation at its end, or as it is after `ms`. */
  waitForStaging(operationId: string, ms: number): Promise<Operation> {
    return this.operations.waitUntilEnded(operationId, ms);
  }

  /**
   * Takes a file out of its table and keeps it: ready to come back (`disabled`), or as it was uploaded and nothing more
   * (`archived`). `markedStale`: the graph still holds its rows, until it is materialized again. Throws `FileNotFound`,
   * {@link FileNotUploaded}, and {@link GraphBusy} while an operation changes the graph or reads the file.
   */
  async setAside(
    actor: Actor,
    orgId: string,
    graphId: string,
    fileId: string,
    to: SetAside,
  ): Promise<{ markedStale: boolean }> {
    const { unneeded, markedStale } = await this.transactor.run(async (em) => {
      const file = await this.files.lock(em, graphId, fileId);
      const { status, partKey, uploadKey } = file;
      const markedStale = file.materializedGeneration !== null;
      if (status === to) return { unneeded: null, markedStale };
      if (uploadKey === null) throw new FileNotUploaded();
      const busy = status === 'staging' ? file.operationId : await this.standing.changingOperation(em, graphId);
      if (busy !== null) throw new GraphBusy(busy);
      // A part that came without a file to read it from again is all there is of its rows.
      const unneeded = to === 'archived' && partKey !== null && madeObject(partKey) !== null ? partKey : null;
      const read = unneeded === null ? {} : { partKey: null, rowCount: null, columns: null, stagedAt: null };
      await this.files.change(em, fileId, [status], { status: to, error: null, ingestBy: null, ...read });
      const reason = `file "${file.fileName}" of ${file.tableName} was ${to}`;
      await this.standing.noteChange(em, graphId, reason);
      const details = { graph_id: graphId, file_name: file.fileName, table_name: file.tableName };
      await this.audit.record(em, { actor, action: `file.${to}`, target: fileId, orgId, details });
      return { unneeded, markedStale };
    });
    if (unneeded !== null) await this.objects.delete(unneeded);
    return { markedStale };
  }

  private async putBack(em: EntityManager, file: StagedFile): Promise<void> {
    const stagedAt = this.clock.now();
    await this.files.change(em, file.id, [file.status], { status: 'staged', stagedAt });
    const reason = `file "${file.fileName}" of ${file.tableName} was enabled`;
    await this.standing.noteChange(em, file.graphId, reason, stagedAt);
  }

  private async beginStaging(em: EntityManager, actor: Actor, orgId: string, file: StagedFile): Promise<string> {
    const { id: fileId, graphId } = file;
    const operation = await this.operations.begin(em, StageFile, { actor, orgId, graphId, payload: { fileId } });
    const changes = { status: 'staging' as const, operationId: operation.id, error: null };
    await this.files.change(em, fileId, [file.status], changes);
    return operation.id;
  }
}
