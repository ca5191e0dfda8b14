import { ApiProperty } from '@nestjs/swagger';
import type { Graph } from '../../graphs/graph.entity';
import type { TierLimits } from '../../limits/tiers';
import { type Lineage, type Subgraph, SUBGRAPH_TYPES, type SubgraphState } from '../subgraph';
import { BYTES_PER_MB } from '../../common/units';

const MB_PER_GB = 1_024;

/** Which data of the parent a subgraph began as. */
export class SubgraphLineageDto {
  @ApiProperty()
  parent_graph_id: string;
  @ApiProperty({ description: 'the generation of the parent that was copied' })
  parent_generation: number;
  @ApiProperty({ description: 'the generation of the subgraph that the copy became' })
  generation: number;
  @ApiProperty({ type: String, format: 'date-time' })
  forked_at: string;
}

/** An entry of the list of subgraphs. */
export class SubgraphSummaryDto {
  @ApiProperty()
  graph_id: string;
  @ApiProperty()
  subgraph_name: string;
  @ApiProperty()
  display_name: string;
  @ApiProperty({ enum: SUBGRAPH_TYPES })
  subgraph_type: string;
  @ApiProperty()
  status: string;
  @ApiProperty({ type: String, format: 'date-time' })
  created_at: string;
  @ApiProperty({ nullable: true, type: Number, description: 'its data and its staged files' })
  size_mb: number | null;
  @ApiProperty({ nullable: true, type: String, format: 'date-time', description: 'when it was queried last' })
  last_accessed: string | null;
}

/** All that is known of a subgraph. */
export class SubgraphDto extends SubgraphSummaryDto {
  @ApiProperty()
  parent_graph_id: string;
  @ApiProperty()
  subgraph_index: number;
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at: string;
  @ApiProperty({ nullable: true, type: String })
  description: string | null;
  @ApiProperty({ nullable: true, type: Number })
  node_count: number | null;
  @ApiProperty({ nullable: true, type: Number })
  edge_count: number | null;
  @ApiProperty({ nullable: true, type: Object, description: 'as it was sent' })
  metadata: Record<string, unknown> | null;
  @ApiProperty({ description: 'whether it began as a copy of data of its parent' })
  forked: boolean;
  @ApiProperty({ nullable: true, type: Object, description: 'what of the parent was to be copied, as it was sent' })
  fork_options: object | null;
  @ApiProperty({ nullable: true, type: SubgraphLineageDto })
  lineage: SubgraphLineageDto | null;
  @ApiProperty({ nullable: true, type: String, format: 'date-time', description: 'when it is deleted by itself' })
  expires_at: string | null;
  @ApiProperty()
  staged_file_count: number;
}

export class SubgraphListDto {
  @ApiProperty()
  parent_graph_id: string;
  @ApiProperty()
  parent_graph_name: string;
  @ApiProperty()
  parent_graph_tier: string;
  @ApiProperty()
  subgraphs_enabled: boolean;
  @ApiProperty()
  subgraph_count: number;
  @ApiProperty({ nullable: true, type: Number })
  max_subgraphs: number | null;
  @ApiProperty({ nullable: true, type: Number })
  total_size_mb: number | null;
  @ApiProperty({ type: [SubgraphSummaryDto] })
  subgraphs: SubgraphSummaryDto[];
}

export class SubgraphQuotaDto {
  @ApiProperty()
  parent_graph_id: string;
  @ApiProperty()
  tier: string;
  @ApiProperty()
  current_count: number;
  @ApiProperty({ nullable: true, type: Number })
  max_allowed: number | null;
  @ApiProperty({ nullable: true, type: Number })
  remaining: number | null;
  @ApiProperty({ nullable: true, type: Number })
  total_size_mb: number | null;
  @ApiProperty({ nullable: true, type: Number, description: 'all subgraphs together, each full' })
  max_size_mb: number | null;
}

/** A subgraph with what it holds. */
export interface KnownSubgraph {
  subgraph: Subgraph;
  state: SubgraphState;
}

/** The subgraphs of a graph, and what its tier allows. */
export interface Family {
  parent: Graph;
  limits: TierLimits;
  members: KnownSubgraph[];
}

export function toSummaryDto({ subgraph, state }: KnownSubgraph): SubgraphSummaryDto {
  return {
    graph_id: subgraph.graphId,
    subgraph_name: subgraph.name,
    display_name: subgraph.displayName,
    subgraph_type: subgraph.type,
    status: subgraph.status,
    created_at: subgraph.createdAt.toISOString(),
    size_mb: megabytes(state.bytes),
    last_accessed: state.lastAccessed?.toISOString() ?? null,
  };
}

export function toSubgraphDto({ subgraph, state, lineage }: KnownSubgraph & { lineage: Lineage | null }): SubgraphDto {
  return {
    ...toSummaryDto({ subgraph, state }),
    parent_graph_id: subgraph.parentId,
    subgraph_index: subgraph.index,
    updated_at: subgraph.updatedAt.toISOString(),
    description: subgraph.description,
    node_count: state.nodes,
    edge_count: state.relationships,
    metadata: subgraph.metadata,
    forked: subgraph.forked,
    fork_options: subgraph.forkOptions,
    lineage: lineage && {
      parent_graph_id: subgraph.parentId,
      parent_generation: lineage.parentGeneration,
      generation: lineage.generation,
      forked_at: lineage.forkedAt.toISOString(),
    },
    expires_at: subgraph.expiresAt?.toISOString() ?? null,
    staged_file_count: state.stagedFiles,
  };
}

export function toSubgraphListDto({ parent, limits, members }: Family): SubgraphListDto {
  const allowed = allowedIn(parent, limits);
  return {
    parent_graph_id: parent.id,
    parent_graph_name: parent.name,
    parent_graph_tier: parent.tier,
    subgraphs_enabled: allowed > 0,
    subgraph_count: members.length,
    max_subgraphs: allowed,
    total_size_mb: totalMegabytes(members),
    subgraphs: members.map(toSummaryDto),
  };
}

export function toSubgraphQuotaDto({ parent, limits, members }: Family): SubgraphQuotaDto {
  const allowed = allowedIn(parent, limits);
  return {
    parent_graph_id: parent.id,
    tier: parent.tier,
    current_count: members.length,
    max_allowed: allowed,
    remaining: Math.max(allowed - members.length, 0),
    total_size_mb: totalMegabytes(members),
    max_size_mb: allowed * limits.storage_gb * MB_PER_GB,
  };
}

/** A subgraph has none. */
function allowedIn({ parentId }: Graph, { max_subgraphs: max }: TierLimits): number {
  return parentId === null ? max : 0;
}

function totalMegabytes(members: KnownSubgraph[]): number {
  return megabytes(members.reduce((sum, { state }) => sum + state.bytes, 0));
}

function megabytes(bytes: number): number {
  return Math.round((bytes / BYTES_PER_MB) * 100) / 100;
}
