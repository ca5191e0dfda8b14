import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Operation } from '../operations/operation.entity';

/** What the audit log says of operations of backups that ended without success. */
@Injectable()
export class BackupEndings {
  constructor(private readonly audit: AuditService) {}

  /** In the transaction that ends the operation. */
  noteFailure(
    em: EntityManager,
    { id, graphId, orgId, userId, status, error }: Operation,
    action: string,
    backupId: string,
  ): Promise<void> {
    return this.audit.record(em, {
      actor: { userId },
      action,
      target: backupId,
      orgId,
      outcome: 'failure',
      details: { graph_id: graphId, operation_id: id, code: error?.code ?? status },
    });
  }
}
