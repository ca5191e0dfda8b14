/** A class whose fields carry class-validator rules; payloads hold ids and options, never data. */
export type PayloadClass<P extends object = object> = new () => P;

export interface OperationPolicy {
  /** Runs before the operation becomes a dead letter; only retryable failures and lost workers use a second one. */
  attempts: number;
  /** Wait before the second run; doubles with each further one, plus jitter. */
  backoffMs: number;
  /** Longest time of one run. */
  timeoutMs: number;
  /** Runs at once in one worker process. */
  concurrency: number;
  cancellable: boolean;
  /** Days that an ended operation and its events are kept. */
  retentionDays: number;
}

/** What both sides of the queue know of one type of operation. */
export interface OperationContract<P extends object = object> {
  /** Name of the type and of its queue. */
  readonly name: string;
  /** `graph`: one such operation per graph at a time; a second request gets 409 with the id of the first. */
  readonly locks: 'graph' | 'none';
  readonly payload: PayloadClass<P>;
  readonly policy: OperationPolicy;
}

/** Declares a type of operation. Its processor says `@HandlesOperation(thatContract)`. */
export function defineOperation<P extends object>(contract: OperationContract<P>): OperationContract<P> {
  if (!/^[a-z][a-z0-9_]*$/.test(contract.name)) {
    throw new Error(`Operation name "${contract.name}" must be lower-case words joined by _`);
  }
  return Object.freeze(contract);
}

/** The payload type of a contract. */
export type PayloadOf<C> = C extends OperationContract<infer P> ? P : never;
