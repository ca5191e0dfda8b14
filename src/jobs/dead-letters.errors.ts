import { DomainError } from '../common/domain-error';
import type { DeadLetterStatus } from './dead-letters.repository';

export class DeadLetterNotFound extends DomainError {
  readonly code = 'dead_letter_not_found';
  readonly kind = 'not_found';
  constructor(id: string) {
    super(`There is no dead letter ${id}. GET /v1/admin/dead-letters lists them`);
  }
}

/** Each dead letter is resolved once. */
export class DeadLetterResolved extends DomainError {
  readonly code = 'dead_letter_resolved';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(id: string, status: DeadLetterStatus, retriedAs: string | null) {
    super(
      retriedAs === null
        ? `Dead letter ${id} was ${status} already`
        : `Dead letter ${id} was retried already, as operation ${retriedAs}`,
    );
    this.details = { dead_letter_id: id, status, ...(retriedAs !== null && { operation_id: retriedAs }) };
  }
}
