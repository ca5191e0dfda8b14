/**
 * The life of a graph, each status with those that may follow it. `queued`: waits for a place in its tier; `suspended`: kept,
 * but neither read nor changed. A subgraph's id may be used again after "deleted", which makes another graph of it.
 */
const GRAPH_TRANSITIONS = {
  queued: ['provisioning', 'failed'],
  provisioning: ['active', 'failed', 'deleting'],
  active: ['suspended', 'deleting'],
  suspended: ['active', 'deleting'],
  failed: ['provisioning', 'queued', 'deleting'],
  // Once more, by the next attempt at the same deletion.
  deleting: ['deleting', 'deleted'],
  deleted: [],
} as const satisfies Record<string, readonly string[]>;

export type GraphStatus = keyof typeof GRAPH_TRANSITIONS;

/** From where a graph may come to `status`. */
export function statusesBefore(status: GraphStatus): GraphStatus[] {
  return (Object.keys(GRAPH_TRANSITIONS) as GraphStatus[]).filter((from) =>
    (GRAPH_TRANSITIONS[from] as readonly string[]).includes(status),
  );
}
