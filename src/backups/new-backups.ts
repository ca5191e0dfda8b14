import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import type { Graph } from '../graphs/graph.entity';
import type { Backup, BackupKind } from './backup.entity';
import { BackupLimits } from './backup-limits';
import { BackupsRepository } from './backups.repository';

const MS_PER_DAY = 86_400_000;

/** A backup that is to be made. Without `retentionDays` it is kept for as long as its graph's tier allows. */
export type WantedBackup = Pick<Backup, 'format' | 'labels' | 'createdBy'> &
  Partial<Pick<Backup, 'scheduleId'>> & { kind: BackupKind; retentionDays?: number };

/** Notes backups that are to be made. */
@Injectable()
export class NewBackups {
  constructor(
    private readonly backups: BackupsRepository,
    private readonly limits: BackupLimits,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** In the transaction that begins the operation that makes it; its id. */
  async insert(em: EntityManager, graph: Pick<Graph, 'id' | 'orgId' | 'tier'>, backup: WantedBackup): Promise<string> {
    const id = this.ids.uuid();
    const createdAt = this.clock.now();
    const retentionDays = this.limits.retentionDays(graph, backup.retentionDays);
    await this.backups.insert(em, {
      ...backup,
      id,
      graphId: graph.id,
      orgId: graph.orgId,
      labels: [...new Set(backup.labels)],
      retentionDays,
      createdAt,
      expiresAt: new Date(createdAt.getTime() + retentionDays * MS_PER_DAY),
    });
    return id;
  }
}
