import { defineOperation } from '../operations/define-operation';

/** Nothing beyond the operation's own graph id. */
export class SubgraphPayload {}

/** Builds the first generation of a subgraph that begins without rows. */
export const CreateSubgraph = defineOperation({
  name: 'subgraph_creation',
  locks: 'graph',
  retryRole: 'admin',
  payload: SubgraphPayload,
  policy: { attempts: 3, backoffMs: 1_000, timeoutMs: 60_000, concurrency: 2, cancellable: true, retentionDays: 30 },
});
