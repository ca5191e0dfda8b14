import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Graph } from '../graphs/graph.entity';
import { requireRoomToday } from '../limits/daily-limit';
import { BYTES_PER_GB } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import { TIERS } from '../limits/tiers';
import { BackupStorageReached } from './backups.errors';
import { CreateBackup } from './backups.operations';
import { BackupsRepository } from './backups.repository';

/** What the tier of a graph allows its backups. */
@Injectable()
export class BackupLimits {
  constructor(
    private readonly tiers: TierTable,
    private readonly backups: BackupsRepository,
  ) {}

  /** Days that a backup is kept: those that were asked for, or as many as the tier allows. */
  retentionDays({ tier }: Pick<Graph, 'tier'>, wanted = Infinity): number {
    return Math.min(wanted, this.tiers.of(tier).backup_retention_days);
  }

  /** By the name of each tier, the days that it keeps backups. */
  retentionDaysByTier(): Record<string, number> {
    return Object.fromEntries(TIERS.map((tier) => [tier, this.tiers.of(tier).backup_retention_days]));
  }

  /** Whether one more may be begun; in the transaction that begins it. Throws `DailyLimitReached`, {@link BackupStorageReached}. */
  async requireAnother(em: EntityManager, graph: Pick<Graph, 'id' | 'tier'>): Promise<void> {
    await this.backups.takeTurn(em, graph.id);
    const { backups_per_day: limit } = this.tiers.of(graph.tier);
    await requireRoomToday(em, { graphId: graph.id, type: CreateBackup.name, limit, what: 'backups' });
    await this.requireRoom(em, graph, 1);
  }

  /** Throws {@link BackupStorageReached}. */
  async requireRoom(em: EntityManager, { id, tier }: Pick<Graph, 'id' | 'tier'>, bytes: number): Promise<void> {
    const { backup_gb: limitGb } = this.tiers.of(tier);
    const used = await this.backups.storedBytes(em, id);
    if (used + bytes > limitGb * BYTES_PER_GB) throw new BackupStorageReached(tier, limitGb, used);
  }
}
