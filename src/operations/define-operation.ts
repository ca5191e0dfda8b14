import { getMetadataStorage } from 'class-validator';
import type { GraphRole } from '../auth/roles';

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
  /** Of those, at most so many of one organisation; without it there is no such limit. */
  perOrg?: number;
  cancellable: boolean;
  /** Days that an ended operation and its events are kept. */
  retentionDays: number;
  /** Time that stopped work of this type gets to stop, where it needs longer than `ABORT_GRACE_SECONDS`. */
  stopMs?: number;
}

/** What both sides of the queue know of one type of operation. */
export interface OperationContract<P extends object = object> {
  /** Name of the type and of its queue. */
  readonly name: string;
  /** `graph`: one such operation per graph at a time; a second request gets 409 with the id of the first. */
  readonly locks: 'graph' | 'none';
  /** With `none`: what only one such operation may be about at a time, where there is such a thing; also for a retry. */
  resourceOf?(payload: P, graphId: string | null): string | null;
  /** Least role in its graph for doing it again: that of the route which begins it. */
  readonly retryRole: GraphRole;
  readonly payload: PayloadClass<P>;
  readonly policy: OperationPolicy;
}

/** Least value of each number of a policy, in its own unit. */
const LEAST: Record<Exclude<keyof OperationPolicy, 'cancellable' | 'perOrg' | 'stopMs'>, number> = {
  attempts: 1,
  backoffMs: 0,
  timeoutMs: 1,
  concurrency: 1,
  retentionDays: 1,
};

/**
 * Declares a type of operation. Its processor says `@HandlesOperation(thatContract)`. Throws, with every mistake in one
 * message, where the contract cannot be kept; since contracts are constants, the platform does not start then.
 */
export function defineOperation<P extends object>(contract: OperationContract<P>): OperationContract<P> {
  const problems = [...nameProblems(contract.name), ...policyProblems(contract.policy), ...payloadProblems(contract)];
  if (problems.length > 0) {
    throw new Error(`Operation type "${contract.name}" cannot be defined: ${problems.join('; ')}`);
  }
  return Object.freeze({ ...contract, policy: Object.freeze({ ...contract.policy }) });
}

function nameProblems(name: string): string[] {
  return /^[a-z][a-z0-9_]{0,62}$/.test(name)
    ? []
    : ['its name must be lower-case words joined by _, at most 63 letters'];
}

function policyProblems(policy: OperationPolicy): string[] {
  const problems = Object.entries(LEAST)
    .filter(([field, least]) => {
      const value = policy[field as keyof typeof LEAST];
      return !Number.isSafeInteger(value) || value < least;
    })
    .map(([field, least]) => `policy.${field} must be a whole number of at least ${least}`);
  const { perOrg } = policy;
  if (perOrg !== undefined && !(Number.isSafeInteger(perOrg) && perOrg >= 1)) {
    problems.push('policy.perOrg must be a whole number of at least 1, or left out');
  }
  if (typeof policy.cancellable !== 'boolean') problems.push('policy.cancellable must be true or false');
  return problems;
}

/** A payload is checked by the rules of its class wherever it is read, so each of its fields needs one. */
function payloadProblems<P extends object>({ payload }: OperationContract<P>): string[] {
  if (typeof payload !== 'function' || !/^class\b/.test(Function.prototype.toString.call(payload))) {
    return ['payload must be a class'];
  }
  const rules = getMetadataStorage().getTargetValidationMetadatas(payload, '', false, false);
  const checked = new Set(rules.map(({ propertyName }) => propertyName));
  return Object.keys(new payload())
    .filter((field) => !checked.has(field))
    .map((field) => `field "${field}" of its payload has no validation rule`);
}

/** The payload type of a contract. */
export type PayloadOf<C> = C extends OperationContract<infer P> ? P : never;
