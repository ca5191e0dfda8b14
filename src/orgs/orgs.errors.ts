import { DomainError } from '../common/domain-error';

export class UserNotRegistered extends DomainError {
  readonly code = 'user_not_registered';
  readonly kind = 'not_found';
  constructor(email: string) {
    super(`Nobody has registered with ${email}. Ask them to register first, then add them.`);
  }
}

export class MemberNotFound extends DomainError {
  readonly code = 'member_not_found';
  readonly kind = 'not_found';
  constructor(where: 'organisation' | 'graph') {
    super(`This ${where} has no member with this user id. GET .../members lists them.`);
  }
}

export class AlreadyMember extends DomainError {
  readonly code = 'already_member';
  readonly kind = 'conflict';
  constructor(where: 'organisation' | 'graph') {
    super(`This user is a member of the ${where} already. Change the role with PUT .../members/{user_id}.`);
  }
}

export class LastOwner extends DomainError {
  readonly code = 'last_owner';
  readonly kind = 'conflict';
  constructor() {
    super('An organisation needs an owner, and this is its last one. Make somebody else an owner first.');
  }
}

export class OwnersOnly extends DomainError {
  readonly code = 'role_required';
  readonly kind = 'forbidden';
  override readonly details = { required_role: 'owner' };
  constructor() {
    super('Only an owner of the organisation can make, change or remove owners.');
  }
}

export class AdminsOnly extends DomainError {
  readonly code = 'role_required';
  readonly kind = 'forbidden';
  override readonly details = { required_role: 'admin' };
  constructor() {
    super('This needs the role "admin" in the organisation; members can only remove themselves.');
  }
}

export class PersonalOrgHasMembers extends DomainError {
  readonly code = 'org_has_members';
  readonly kind = 'conflict';
  constructor(members: number) {
    super(`An organisation with ${members} members cannot become a personal one. Remove the others first.`);
  }
}

export class GraphLimitReached extends DomainError {
  readonly code = 'graph_limit_reached';
  readonly kind = 'forbidden';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(limit: number) {
    super(
      `This organisation has ${limit} graphs, the most that it may have. Delete one, or ask the operator to raise GRAPHS_PER_ORG.`,
    );
    this.details = { limit };
  }
}

export class OutsideOrg extends DomainError {
  readonly code = 'not_an_org_member';
  readonly kind = 'bad_request';
  constructor() {
    super('Only members of the organisation that owns the graph can join it. Add the user to the organisation first.');
  }
}

export class SubgraphHasNoMembers extends DomainError {
  readonly code = 'subgraph_has_no_members';
  readonly kind = 'bad_request';
  constructor(parentId: string) {
    super(`A subgraph takes its members from its parent. Use /v1/graphs/${parentId}/members.`);
  }
}
