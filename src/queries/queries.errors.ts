import { DomainError } from '../common/domain-error';

/** The graph, or the other graphs of its organisation, have as many queries running and waiting as they may. */
export class TooManyQueries extends DomainError {
  readonly code = 'too_many_queries';
  readonly kind = 'too_many';
  override readonly retryable = true;
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(
    running: number,
    waiting: number,
    override readonly retryAfterSeconds: number,
  ) {
    super(
      `This graph has ${running} queries running and ${waiting} waiting, and its organisation may run no more at once. ` +
        `Try again in ${retryAfterSeconds} s, or send fewer at a time`,
    );
    this.details = { running, waiting };
  }
}

/** The engine failed on this graph again and again; it is left alone for a moment. */
export class GraphCircuitOpen extends DomainError {
  readonly code = 'graph_circuit_open';
  readonly kind = 'unavailable';
  override readonly retryable = true;
  constructor(
    failures: number,
    override readonly retryAfterSeconds: number,
  ) {
    super(
      `The engine failed on this graph ${failures} times in a row, so it is left alone for ${retryAfterSeconds} s. ` +
        'Then one query is tried; if this goes on, tell the operator',
    );
  }
}

export class QueryNotFound extends DomainError {
  readonly code = 'query_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('No query with this id is running on this graph. It may have ended just now');
  }
}

export class NotYourQuery extends DomainError {
  readonly code = 'not_your_query';
  readonly kind = 'forbidden';
  constructor() {
    super('This query was sent by somebody else. Ask them, or an admin of the graph, to end it');
  }
}

/**
 * Its place did not come free within the time for which its sender would rather wait than have an operation. Never an
 * answer: `refusal` is, where there is to be no operation.
 */
export class NoPlaceYet extends Error {
  constructor(readonly refusal: DomainError) {
    super('No place came free');
  }
}
