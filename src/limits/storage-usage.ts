import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import { StorageLimitReached } from './limits.errors';
import { TierTable } from './tier-table';

export const BYTES_PER_GB = 1024 ** 3;

/** Bytes of one graph: its live data, and its staged files as they were uploaded. */
export interface GraphStorage {
  graphId: string;
  parentId: string | null;
  dataBytes: number;
  stagedBytes: number;
}

/** How much of its storage a graph uses. */
@Injectable()
export class StorageUsage {
  constructor(
    private readonly transactor: Transactor,
    private readonly tiers: TierTable,
  ) {}

  /** A graph and its subgraphs, the graph first. */
  async ofGraph(graphId: string, em: EntityManager = this.transactor.em): Promise<GraphStorage[]> {
    const rows = await em.query<{ id: string; parent_id: string | null; data: string; staged: string }[]>(
      `select g.id, g.parent_id,
         coalesce((select (manifest ->> 'bytes')::bigint from generation
           where graph_id = g.id and status = 'live'), 0) as data,
         coalesce((select sum(size_bytes) from staged_file where graph_id = g.id), 0) as staged
       from graph g where (g.id = $1 or g.parent_id = $1) and g.status <> 'deleted'
       order by g.parent_id nulls first, g.id`,
      [graphId],
    );
    return rows.map((row) => ({
      graphId: row.id,
      parentId: row.parent_id,
      dataBytes: Number(row.data),
      stagedBytes: Number(row.staged),
    }));
  }

  /**
   * Throws {@link StorageLimitReached} where new data of a graph, in the place of what is live, would be too much beside
   * its staged files.
   */
  async requireFits(graphId: string, tier: string, dataBytes: number): Promise<void> {
    const [own] = await this.ofGraph(graphId);
    const { storage_gb: limitGb } = this.tiers.of(tier);
    const staged = own?.stagedBytes ?? 0;
    if (staged + dataBytes > limitGb * BYTES_PER_GB) throw new StorageLimitReached(tier, limitGb, staged, dataBytes);
  }

  /**
   * Bytes that a graph of a tier may still take; at least `addedBytes`. Throws {@link StorageLimitReached}. Two that
   * grow at once may both be let in: the next one is not.
   */
  async requireRoom(graphId: string, tier: string, addedBytes = 0): Promise<number> {
    const [own] = await this.ofGraph(graphId);
    const { storage_gb: limitGb } = this.tiers.of(tier);
    const used = own === undefined ? 0 : own.dataBytes + own.stagedBytes;
    const left = limitGb * BYTES_PER_GB - used;
    if (left < Math.max(addedBytes, 1)) throw new StorageLimitReached(tier, limitGb, used, addedBytes);
    return left;
  }
}
