import { DomainError } from '../common/domain-error';

export class RepositoryNotFound extends DomainError {
  readonly code = 'repository_not_found';
  readonly kind = 'not_found';
  constructor(name: string) {
    super(`There is no shared repository "${name.slice(0, 100)}". GET /v1/offering lists what there is`);
  }
}

export class RepositoryPlanNotFound extends DomainError {
  readonly code = 'plan_not_found';
  readonly kind = 'bad_request';
  constructor(repository: string, plan: string, known: string[]) {
    super(`The repository "${repository}" has no plan "${plan.slice(0, 100)}". Its plans are: ${known.join(', ')}`);
  }
}

/** The graph is another repository already, or belongs to another graph. */
export class NotPublishable extends DomainError {
  readonly code = 'repository_not_publishable';
  readonly kind = 'conflict';
  constructor(graphId: string, why: string) {
    super(`Graph ${graphId} cannot be offered: ${why}`);
  }
}

export class AlreadyGranted extends DomainError {
  readonly code = 'repository_already_granted';
  readonly kind = 'conflict';
  constructor(repository: string) {
    super(
      `This organisation subscribes to "${repository}" already. Cancel that subscription first to take another plan`,
    );
  }
}
