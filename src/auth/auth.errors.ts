import { DomainError } from '../common/domain-error';
import type { Scope } from './actor';

export class Unauthenticated extends DomainError {
  readonly code = 'unauthenticated';
  readonly kind = 'unauthenticated';
  constructor(
    message = 'Send an API key in the X-API-Key header, or "Authorization: Bearer <token>" with a token of POST /v1/auth/login.',
  ) {
    super(message);
  }
}

export class WrongCredentials extends DomainError {
  readonly code = 'wrong_credentials';
  readonly kind = 'unauthenticated';
  constructor() {
    super('Email and password do not belong together. Check both and try again.');
  }
}

export class WrongPassword extends DomainError {
  readonly code = 'wrong_password';
  readonly kind = 'bad_request';
  constructor() {
    super('The current password is not right. Nothing was changed.');
  }
}

export class SessionNotRefreshable extends DomainError {
  readonly code = 'session_not_refreshable';
  readonly kind = 'unauthenticated';
  constructor() {
    super('This session token cannot be refreshed (any more). Log in again.');
  }
}

export class RegistrationClosed extends DomainError {
  readonly code = 'registration_closed';
  readonly kind = 'unavailable';
  constructor() {
    super('Registration is closed here. Ask an operator of this installation for an account.');
  }
}

export class EmailTaken extends DomainError {
  readonly code = 'email_taken';
  readonly kind = 'conflict';
  constructor() {
    super('An account with this email exists already. Log in, or use another email.');
  }
}

export class TooManyAttempts extends DomainError {
  readonly code = 'too_many_attempts';
  readonly kind = 'too_many';
  constructor(override readonly retryAfterSeconds: number) {
    super(`Too many attempts. Try again in ${retryAfterSeconds} s.`);
  }
}

export class OperatorRequired extends DomainError {
  readonly code = 'operator_required';
  readonly kind = 'forbidden';
  constructor() {
    super('Only operators of this installation may do this. Ask one of them.');
  }
}

export class UserNotFound extends DomainError {
  readonly code = 'user_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no open account with this id.');
  }
}

export class LastOperator extends DomainError {
  readonly code = 'last_operator';
  readonly kind = 'conflict';
  constructor() {
    super('This is the last operator of the installation. Make somebody else an operator first.');
  }
}

export class ApiKeyNotFound extends DomainError {
  readonly code = 'api_key_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('You have no API key with this id. GET /v1/user/api-keys lists your keys.');
  }
}

export class ApiKeyRevoked extends DomainError {
  readonly code = 'api_key_revoked';
  readonly kind = 'conflict';
  constructor() {
    super('This API key is revoked or expired and cannot be rotated. Create a new one.');
  }
}

export class TooManyApiKeys extends DomainError {
  readonly code = 'too_many_api_keys';
  readonly kind = 'conflict';
  constructor(limit: number) {
    super(`You have ${limit} active API keys, the most that are allowed. Revoke one that you no longer use.`);
  }
}

export class KeyGrantsTooMuch extends DomainError {
  readonly code = 'key_grants_too_much';
  readonly kind = 'forbidden';
  constructor(what: string) {
    super(`A key cannot grant more than the credential that creates it: ${what}. Log in to create such a key.`);
  }
}

export class ScopeRequired extends DomainError {
  readonly code = 'scope_required';
  readonly kind = 'forbidden';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(scope: Scope) {
    super(`This API key lacks the scope "${scope}". Use a key that has it.`);
    this.details = { required_scope: scope };
  }
}

export class KeyBoundToGraphs extends DomainError {
  readonly code = 'key_bound_to_graphs';
  readonly kind = 'forbidden';
  constructor() {
    super('This API key is bound to certain graphs and cannot do this. Use a key without graph_ids.');
  }
}

export class RoleRequired extends DomainError {
  readonly code = 'role_required';
  readonly kind = 'forbidden';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(where: 'graph' | 'org' | 'operation', needed: string, actual: string) {
    const of = where === 'operation' ? 'graph' : where;
    super(`This needs the role "${needed}" in the ${of}; yours is "${actual}". Ask an admin of the ${of} for it.`);
    this.details = { required_role: needed, role: actual };
  }
}

export class GraphNotFound extends DomainError {
  readonly code = 'graph_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no graph with this id that you may use. GET /v1/graphs lists yours.');
  }
}

export class OrgNotFound extends DomainError {
  readonly code = 'org_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no organisation with this id that you belong to. GET /v1/orgs lists yours.');
  }
}

export class OperationNotFound extends DomainError {
  readonly code = 'operation_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no operation with this id that you may see. It may have been removed after its retention time.');
  }
}

export class LastOwnerCannotLeave extends DomainError {
  readonly code = 'last_owner';
  readonly kind = 'conflict';
  constructor(orgNames: string[]) {
    super(
      `You are the last owner of ${orgNames.map((name) => `"${name}"`).join(', ')}, which still has members or graphs. ` +
        'Make somebody else an owner there, or delete the graphs and remove the members, first.',
    );
  }
}

/** The graph is kept, but nobody may use it for now; said to its members only. */
export class GraphSuspended extends DomainError {
  readonly code = 'graph_suspended';
  readonly kind = 'payment_required';
  constructor(graphId: string) {
    super(
      `Graph ${graphId} is suspended: its data is kept, but it can be neither read nor changed. GET /v1/graphs/${graphId}/info says why. Settle what is due for it, or ask those who run this installation to resume it`,
    );
  }
}
