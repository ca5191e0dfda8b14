import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ErrorBody } from '../common/problem';
import type { Graph } from '../graphs/graph.entity';
import type { OperationContext } from '../jobs/operation-context';
import { WorkDirectories } from '../jobs/work-directories';
import { BackupMaker } from './backup-maker';
import { BackupsRepository } from './backups.repository';
import { NewBackups } from './new-backups';

/**
 * Backups that an operation makes of what is live before it replaces or removes it: noted when the operation begins, made as
 * its first step, and when one cannot be made, what the operation was for is not done.
 */
@Injectable()
export class SystemBackups {
  constructor(
    private readonly wanted: NewBackups,
    private readonly backups: BackupsRepository,
    private readonly maker: BackupMaker,
    private readonly work: WorkDirectories,
  ) {}

  /** In the transaction that begins the operation, before it; the id belongs into its payload. `labels` say what for. */
  announce(
    em: EntityManager,
    graph: Pick<Graph, 'id' | 'orgId' | 'tier'>,
    createdBy: string | null,
    labels: string[] = [],
  ): Promise<string> {
    return this.wanted.insert(em, graph, { kind: 'system', format: 'full_dump', labels, createdBy });
  }

  /** In the same transaction, when the operation has its id. */
  belongTo(em: EntityManager, backupId: string, operationId: string): Promise<void> {
    return this.backups.setOperation(em, backupId, operationId);
  }

  /** Makes it, verified, unless an earlier attempt has. `report` hears 0 to 100. */
  async make(
    ctx: OperationContext,
    backupId: string,
    report: (percent: number, message: string) => void,
  ): Promise<void> {
    if ((await this.backups.get(backupId))?.status === 'completed') return;
    await this.work.use(ctx, (directory) =>
      this.maker.make(ctx, {
        backupId,
        directory: join(directory, 'system-backup'),
        report: (percent, message) => report(percent, `Backing up what is live: ${message}`),
      }),
    );
  }

  /** In the transaction that ends the operation without success; one that was completed stays. */
  giveUp(em: EntityManager, backupId: string, error: ErrorBody | null): Promise<void> {
    return this.backups.fail(em, backupId, error);
  }

  /** In the transaction that begins the operation once more. */
  async reopen(em: EntityManager, backupId: string, operationId: string): Promise<void> {
    await this.backups.reopen(em, backupId, operationId);
  }
}
