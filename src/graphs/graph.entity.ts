import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { GenerationManifest } from '../engine/graph-engine';
import type { GraphStatus } from './graph-transitions';
import type { GraphSchema } from '../schemas/graph-schema';

/** A database of its own. What its data is at any moment is its live generation. */
@Entity('graph')
export class Graph {
  @PrimaryColumn('text')
  readonly id: string;

  @Column('uuid', { name: 'org_id' })
  readonly orgId: string;

  @Column('text', { name: 'parent_id', nullable: true })
  readonly parentId: string | null;

  @Column('text')
  readonly name: string;

  @Column('text', { nullable: true })
  readonly description: string | null;

  @Column('text', { array: true })
  readonly tags: string[];

  @Column('text')
  readonly tier: string;

  @Column('text')
  readonly status: GraphStatus;

  @Column('jsonb')
  readonly schema: GraphSchema;

  /** Number of the generation that queries read; null until the first one is published. */
  @Column('integer', { name: 'live_generation', nullable: true })
  readonly liveGeneration: number | null;

  /** Highest number given out so far; numbers are never used twice. */
  @Column('integer', { name: 'last_generation' })
  readonly lastGeneration: number;

  /** Why the staging tables say something else than the live generation; null while they agree. */
  @Column('text', { name: 'stale_reason', nullable: true })
  readonly staleReason: string | null;

  @Column('timestamptz', { name: 'stale_since', nullable: true })
  readonly staleSince: Date | null;

  @Column('timestamptz', { name: 'last_materialized_at', nullable: true })
  readonly lastMaterializedAt: Date | null;

  @Column('integer', { name: 'materialization_count' })
  readonly materializationCount: number;

  /** While it is suspended: since when, and why. */
  @Column('timestamptz', { name: 'suspended_at', nullable: true })
  readonly suspendedAt: Date | null;

  @Column('text', { name: 'suspension_reason', nullable: true })
  readonly suspensionReason: string | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  readonly updatedAt: Date;
}

export type GenerationStatus = 'building' | 'live' | 'retired' | 'collecting' | 'collected' | 'abandoned';

/** One database file of a graph, with what was counted in it when it was finished. */
@Entity('generation')
export class Generation {
  @PrimaryColumn('text', { name: 'graph_id' })
  readonly graphId: string;

  @PrimaryColumn('integer')
  readonly number: number;

  @Column('text')
  readonly status: GenerationStatus;

  @Column('text', { name: 'operation_id', nullable: true })
  readonly operationId: string | null;

  @Column('integer', { nullable: true })
  readonly attempt: number | null;

  @Column('jsonb', { nullable: true })
  readonly manifest: GenerationManifest | null;

  /** Ids of the staged files whose rows it holds. */
  @Column('uuid', { array: true })
  readonly files: string[];

  /** Whether it also holds rows that no staged file has, such as those of a restored backup. */
  @Column('boolean', { name: 'other_rows' })
  readonly otherRows: boolean;

  /** Why its files have more for it than it holds, so that only a rebuild gives all of it; null where they have not. */
  @Column('text', { nullable: true })
  readonly behind: string | null;

  /** While it is behind: the part of its schema, as that was then, that was loaded from its files. Null where nobody knows. */
  @Column('jsonb', { nullable: true })
  readonly taken: GraphSchema | null;

  /** What was live before it. */
  @Column('integer', { nullable: true })
  readonly previous: number | null;

  @Column('timestamptz', { name: 'published_at', nullable: true })
  readonly publishedAt: Date | null;

  @Column('timestamptz', { name: 'retired_at', nullable: true })
  readonly retiredAt: Date | null;
}
