import type { HostStatus } from '../../engine/graph-engine';
import type { Generation, Graph } from '../graph.entity';
import type { ListedGraph } from '../graphs.repository';
import type { QueuePlace } from '../graphs.service';
import { BYTES_PER_MB } from '../../common/units';

/** An entry of the list of graphs; camelCase, as the wire contract has it here and nowhere else. */
export function toListedGraphDto(graph: ListedGraph, selected: string | null): object {
  return {
    graphId: graph.id,
    graphName: graph.name,
    role: graph.role,
    isSelected: graph.id === selected,
    createdAt: graph.createdAt.toISOString(),
    isRepository: graph.repository !== null,
    repositoryType: graph.repository,
    schemaExtensions: graph.schemaExtensions,
    isSubgraph: graph.parentId !== null,
    parentGraphId: graph.parentId,
    graphType: 'generic',
    status: graph.status,
    description: graph.description,
    tags: graph.tags,
    tier: graph.tier,
    orgId: graph.orgId,
  };
}

/** What the platform knows of a graph, counted when its live generation was finished. */
export function toGraphInfoDto(
  graph: Graph,
  live: Generation | null,
  backups: { count: number; latest: Date | null },
  place: QueuePlace | null,
): object {
  const manifest = live?.manifest ?? null;
  const bytes = manifest?.bytes ?? 0;
  return {
    graph_id: graph.id,
    database_name: graph.name,
    description: graph.description,
    tags: graph.tags,
    tier: graph.tier,
    status: graph.status,
    suspension: graph.suspendedAt && { since: graph.suspendedAt.toISOString(), reason: graph.suspensionReason },
    queue: place && {
      position: place.position,
      reason: `Waiting for ${place.heldFor}`,
      operation_id: place.operationId,
    },
    database_size_bytes: bytes,
    database_size_mb: Math.round((bytes / BYTES_PER_MB) * 100) / 100,
    node_count: total(manifest?.nodes),
    relationship_count: total(manifest?.relationships),
    node_counts: manifest?.nodes ?? {},
    relationship_counts: manifest?.relationships ?? {},
    node_labels: graph.schema.nodes.map((node) => node.name),
    relationship_types: graph.schema.relationships.map((relationship) => relationship.name),
    created_at: graph.createdAt.toISOString(),
    last_modified: (live?.publishedAt ?? graph.createdAt).toISOString(),
    read_only: true,
    backup_count: backups.count,
    last_backup_date: backups.latest?.toISOString() ?? null,
    schema_version: graph.schema.version,
    is_stale: graph.staleReason !== null,
    stale_reason: graph.staleReason,
    stale_since: graph.staleSince?.toISOString() ?? null,
    generation: live?.number ?? null,
    sha256: manifest?.sha256 ?? null,
    engine: manifest === null ? null : `${manifest.engine} ${manifest.engineVersion}`,
  };
}

/** Whether queries will be answered, and by what. */
export function toGraphConditionDto(
  graph: Graph,
  host: HostStatus | null,
): { status: string; connection_status: string } {
  if (graph.status !== 'active' || host === null) return { status: 'unhealthy', connection_status: graph.status };
  return { status: 'healthy', connection_status: host.state };
}

function total(counts: Record<string, number> | undefined): number {
  return Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0);
}
