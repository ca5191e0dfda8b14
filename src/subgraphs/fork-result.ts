import type { Subgraph } from './subgraph';
import type { Fork } from './subgraph-forks';

/** What an operation that takes data of the parent keeps as its result. */
export function forkResult({ graphId, parentId, name }: Subgraph, { build, source, manifest, copied }: Fork): object {
  return {
    graph_id: graphId,
    subgraph_name: name,
    generation: build.generation,
    parent_graph_id: parentId,
    parent_generation: source.row.number,
    nodes: manifest.nodes,
    relationships: manifest.relationships,
    node_count: total(manifest.nodes),
    relationship_count: total(manifest.relationships),
    staged_files_copied: copied.length,
    database_size_bytes: manifest.bytes,
    sha256: manifest.sha256,
  };
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
