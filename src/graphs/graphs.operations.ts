import { defineOperation } from '../operations/define-operation';

/** Nothing beyond the operation's own graph id. */
export class GraphPayload {}

/** Builds the first, empty generation of a graph from its schema. */
export const CreateGraph = defineOperation({
  name: 'graph_creation',
  locks: 'graph',
  retryRole: 'member',
  payload: GraphPayload,
  policy: { attempts: 3, backoffMs: 1_000, timeoutMs: 60_000, concurrency: 2, cancellable: true, retentionDays: 30 },
});

/** Removes everything that a graph owns. Not cancellable: a graph that is half removed is of no use to anybody. */
export const DeleteGraph = defineOperation({
  name: 'graph_deletion',
  locks: 'graph',
  retryRole: 'admin',
  payload: GraphPayload,
  policy: { attempts: 5, backoffMs: 2_000, timeoutMs: 300_000, concurrency: 2, cancellable: false, retentionDays: 30 },
});
