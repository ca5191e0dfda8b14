import type { GraphSchema } from './graph-schema';
import type { SchemaChange } from './schema-changes';

/** A schema that a graph has, had, or was to have. */
export interface SchemaVersion {
  number: number;
  status: 'pending' | 'applied' | 'failed';
  schema: GraphSchema;
  /** Number of the version that it changes; null for the first. */
  base: number | null;
  changes: SchemaChange[];
  operationId: string | null;
  /** The data that went live with it; null where only words changed, and for the first. */
  generation: number | null;
  /** Where it comes from, if not from a change that was asked for. */
  note: string | null;
  createdAt: Date;
  appliedAt: Date | null;
}
