import { DomainError } from '../common/domain-error';

export class SubgraphNotFound extends DomainError {
  readonly code = 'subgraph_not_found';
  readonly kind = 'not_found';
  constructor(name: string) {
    super(`This graph has no subgraph "${name.slice(0, 40)}"`);
  }
}

/** Another subgraph of the same parent has the name. */
export class SubgraphNameTaken extends DomainError {
  readonly code = 'subgraph_name_taken';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(name: string, suggestion: string) {
    super(
      `This graph has a subgraph "${name}" already. Take another name, such as "${suggestion}", or delete that one`,
    );
    this.details = { name, suggestion };
  }
}

/** A subgraph cannot be divided further. */
export class NoSubgraphsOfSubgraphs extends DomainError {
  readonly code = 'subgraph_of_subgraph';
  readonly kind = 'bad_request';
  constructor(parentId: string) {
    super(`A subgraph cannot have subgraphs. Make it in its parent, ${parentId}`);
  }
}

export class SubgraphLimitReached extends DomainError {
  readonly code = 'subgraph_limit_reached';
  readonly kind = 'forbidden';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(tier: string, limit: number) {
    super(`A graph of the tier ${tier} may have ${limit} subgraphs, and this one has as many. Delete one first`);
    this.details = { tier, limit };
  }
}

/** It holds something, and its deletion was not forced. */
export class SubgraphNotEmpty extends DomainError {
  readonly code = 'subgraph_not_empty';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(name: string, content: { nodes: number; relationships: number; stagedFiles: number }) {
    const { nodes, relationships, stagedFiles } = content;
    super(
      `The subgraph "${name}" holds ${nodes} nodes, ${relationships} relationships and ${stagedFiles} staged files. ` +
        'Send force: true to delete it with them',
    );
    this.details = { node_count: nodes, edge_count: relationships, staged_files: stagedFiles };
  }
}

/** Said to those who waited for the end of an operation on a subgraph. */
export class SubgraphOperationFailed extends DomainError {
  readonly code = 'subgraph_operation_failed';
  readonly kind = 'unavailable';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(
    what: string,
    operation: { id: string; status: string },
    error: { code: string; message: string } | null,
  ) {
    super(`The subgraph was not ${what}: ${error?.message ?? `operation ${operation.id} was ${operation.status}`}`);
    this.details = { operation_id: operation.id, error_code: error?.code ?? operation.status };
  }
}

/** What the fork options ask for was there when they were sent, and is not any more. */
export class ForkOutdated extends DomainError {
  readonly code = 'fork_outdated';
  readonly kind = 'conflict';
  constructor(problems: string) {
    super(`The parent has changed since the fork was asked for: ${problems}. Look at its schema and ask again`);
  }
}

/** The engine has other rows than it was given. */
export class ForkMismatch extends DomainError {
  readonly code = 'fork_mismatch';
  readonly kind = 'internal';
  constructor(table: string, given: number, found: number) {
    super(`${given} rows of ${table} were taken and ${found} are there. Nothing was published; try again`);
  }
}

/** Only what began as its parent's data can be reset to it. */
export class SubgraphNotForked extends DomainError {
  readonly code = 'subgraph_not_forked';
  readonly kind = 'conflict';
  constructor(name: string) {
    super(
      `The subgraph "${name}" did not begin as a fork, so there is nothing to reset it to. Make a fork with fork_parent: true`,
    );
  }
}
