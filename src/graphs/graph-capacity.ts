import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import { TierTable } from '../limits/tier-table';
import { TIERS, type Tier } from '../limits/tiers';
import { OperationsService } from '../operations/operations.service';
import { TierFull } from './graphs.errors';

/** Graphs that have a place in their tier; subgraphs live in their parent's. Served by the index `graph_place`. */
const HAS_PLACE = `parent_id is null and status not in ('queued', 'failed', 'deleted')`;

export interface TierOccupancy {
  tier: Tier;
  slots: number;
  used: number;
  waiting: number;
}

/**
 * Places for graphs in the tiers of this installation. Whoever takes one holds the tier's lock until they commit, so that
 * however many ask at once, no tier has more graphs than places.
 */
@Injectable()
export class GraphCapacity {
  constructor(
    private readonly transactor: Transactor,
    private readonly tiers: TierTable,
    private readonly operations: OperationsService,
  ) {}

  /** Whether a graph that comes now finds a place, and still does until the transaction ends. Those that wait come first. */
  async hasRoom(em: EntityManager, tier: string): Promise<boolean> {
    await this.lock(em, tier);
    if ((await this.used(em, tier)) >= this.tiers.of(tier).slots) return false;
    return (await this.operations.held(em, placeIn(tier), 1)).length === 0;
  }

  /** The same for what cannot wait. Throws {@link TierFull}. */
  async requireRoom(em: EntityManager, tier: string): Promise<void> {
    if (!(await this.hasRoom(em, tier))) throw new TierFull(tier, this.tiers.of(tier).slots);
  }

  /**
   * Gives a waiting graph a place and its operation to the workers, both or neither. False where the tier is full;
   * "gone" where it does not wait any more.
   */
  admit(tier: Tier, { id, graphId }: { id: string; graphId: string | null }): Promise<boolean | 'gone'> {
    return this.transactor.run(async (em) => {
      await this.lock(em, tier);
      const { slots } = this.tiers.of(tier);
      if ((await this.used(em, tier)) >= slots) return false;
      if (!(await this.operations.release(em, id))) return 'gone';
      const [, taken] = await em.query<[unknown, number]>(
        `update graph set status = 'provisioning', updated_at = now() where id = $1 and status = 'queued'
         and (select count(*) from graph where tier = $2 and ${HAS_PLACE}) < $3`,
        [graphId, tier, slots],
      );
      if (taken !== 1) throw new Error(`Graph ${graphId} does not wait for a place, but its operation ${id} does`);
      return true;
    });
  }

  async occupancy(): Promise<TierOccupancy[]> {
    const rows = await this.transactor.em.query<{ tier: string; used: number; waiting: number }[]>(
      `select tier, count(*) filter (where ${HAS_PLACE})::int as used,
         count(*) filter (where status = 'queued')::int as waiting
       from graph where parent_id is null group by tier`,
    );
    return TIERS.map((tier) => {
      const { used = 0, waiting = 0 } = rows.find((row) => row.tier === tier) ?? {};
      return { tier, slots: this.tiers.of(tier).slots, used, waiting };
    });
  }

  private async lock(em: EntityManager, tier: string): Promise<void> {
    await em.query(`select pg_advisory_xact_lock(hashtextextended('places of tier ' || $1, 0))`, [tier]);
  }

  private async used(em: EntityManager, tier: string): Promise<number> {
    const [{ used }] = await em.query<{ used: number }[]>(
      `select count(*)::int as used from graph where tier = $1 and ${HAS_PLACE}`,
      [tier],
    );
    return used;
  }
}

/** What the creation of a graph waits for; the queue of a tier is those that wait for this. */
export function placeIn(tier: string): string {
  return `a free place in tier ${tier}`;
}
