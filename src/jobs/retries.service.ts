import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { OperationAccess } from '../auth/access';
import { requireScope } from '../auth/access-rules';
import type { Actor } from '../auth/actor';
import { RoleRequired } from '../auth/auth.errors';
import { scopeOfRole } from '../auth/requires';
import { graphRoleCovers } from '../auth/roles';
import { Transactor } from '../database/transactor';
import type { Operation } from '../operations/operation.entity';
import { OperationTypes } from '../operations/operation-types';
import {
  OperationNotFailed,
  OperationNotFound,
  OperationNotRepeatable,
  OperationRetried,
} from '../operations/operations.errors';
import { OperationsRepository } from '../operations/operations.repository';
import { OperationsService } from '../operations/operations.service';
import { DeadLettersRepository } from './dead-letters.repository';

/** Does again what failed or was cancelled, for those who could have asked for it in the first place. */
@Injectable()
export class RetriesService {
  constructor(
    private readonly operations: OperationsService,
    private readonly repository: OperationsRepository,
    private readonly letters: DeadLettersRepository,
    private readonly types: OperationTypes,
    private readonly audit: AuditService,
    private readonly tx: Transactor,
  ) {}

  /**
   * Begins a new operation that does the same, and closes the open dead letter of the one that failed. Throws
   * {@link RoleRequired}, {@link OperationNotFailed}, {@link OperationRetried} the second time, `OperationConflict`
   * while the graph is busy, and why its domain refuses.
   */
  retry(actor: Actor, { id, role }: OperationAccess): Promise<Operation> {
    return this.tx.run(async (em) => {
      // In the order of operators' retries, so that the two never wait for each other.
      const letter = await this.letters.lock(em, id);
      const failed = await this.repository.findLocked(em, id);
      if (!failed) throw new OperationNotFound(id);
      this.requireRight(actor, role, failed);
      if (failed.status !== 'failed' && failed.status !== 'cancelled') throw new OperationNotFailed(id, failed.status);
      const earlier = await this.repository.retryOf(id, em);
      if (earlier !== null) throw new OperationRetried(id, earlier);
      const retry = await this.operations.beginAgain(em, failed);
      if (letter?.status === 'open') {
        await this.letters.resolve(em, id, { status: 'retried', retriedAs: retry.id, by: actor.userId });
      }
      const details = { operation_id: retry.id, operation_type: retry.type };
      await this.audit.record(em, { actor, action: 'operation.retried', target: id, orgId: retry.orgId, details });
      return retry;
    });
  }

  /** What the request that began it had to be allowed to do. */
  private requireRight(actor: Actor, role: OperationAccess['role'], { id, type }: Operation): void {
    const contract = this.types.find(type);
    if (!contract) throw new OperationNotRepeatable(id, `this version has no operations of type "${type}"`);
    if (!graphRoleCovers(role, contract.retryRole)) throw new RoleRequired('operation', contract.retryRole, role);
    requireScope(actor, scopeOfRole(contract.retryRole, 'POST'));
  }
}
