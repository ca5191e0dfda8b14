import { DomainError } from '../common/domain-error';

/** The graph has no live generation yet, or not any more. */
export class GraphNotReady extends DomainError {
  readonly code = 'graph_not_ready';
  readonly kind = 'conflict';
  constructor(graphId: string, status: string) {
    super(
      status === 'provisioning'
        ? `Graph ${graphId} is still being created. Wait for its graph_creation operation to complete`
        : `Graph ${graphId} is ${status} and cannot be used. Create a new graph`,
    );
  }
}

export class NoOrganisation extends DomainError {
  readonly code = 'organisation_required';
  readonly kind = 'bad_request';
  constructor() {
    super('You belong to no organisation in which you may create graphs. Ask an owner to add you');
  }
}

export class OrganisationAmbiguous extends DomainError {
  readonly code = 'organisation_ambiguous';
  readonly kind = 'bad_request';
  constructor() {
    super('You belong to several organisations: say in which one to create the graph with org_id');
  }
}

/** Another generation went live since this build began. */
export class PublishConflict extends DomainError {
  readonly code = 'publish_conflict';
  readonly kind = 'conflict';
  constructor(graphId: string) {
    super(`Graph ${graphId} was changed by something else while this was being built. Run it again`);
  }
}
