import type { GraphStatus } from '../graphs/graph-transitions';
import type { ForkOptions } from './fork-options';

/**
 * `static`: stays until somebody deletes it; `temporal`: has an end from the beginning, and is deleted then. The wire
 * contract names two more, which are refused.
 */
export const SUBGRAPH_TYPES = ['static', 'temporal'] as const;
export type SubgraphType = (typeof SUBGRAPH_TYPES)[number];

/** A graph that belongs to another one: whoever may use the parent may use it. */
export interface Subgraph {
  /** `<id of the parent>_<name>`. */
  graphId: string;
  orgId: string;
  parentId: string;
  name: string;
  index: number;
  displayName: string;
  description: string | null;
  type: SubgraphType;
  status: GraphStatus;
  metadata: Record<string, unknown> | null;
  /** Whether it began as a copy of its parent's data. */
  forked: boolean;
  /** As they were asked for; null where all of the parent was copied, and where nothing was. */
  forkOptions: ForkOptions | null;
  expiresAt: Date | null;
  operationId: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What is known of the data of a subgraph. */
export interface SubgraphState {
  /** Its data and its staged files. */
  bytes: number;
  nodes: number;
  relationships: number;
  stagedFiles: number;
  /** When it was queried last. */
  lastAccessed: Date | null;
}

/** Which of the parent's generations the data of a subgraph was, when it was taken. */
export interface Lineage {
  parentGeneration: number;
  /** The subgraph's own generation that began as it. */
  generation: number;
  forkedAt: Date;
}

/** Names of subgraphs are lower-case letters and digits; upper case is taken for lower. */
export const SUBGRAPH_NAME = /^[a-zA-Z0-9]{1,20}$/;
