import { Processor } from '@nestjs/bullmq';
import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { OperationContract } from '../operations/define-operation';

const HANDLED_CONTRACT = Symbol('the operation contract that a processor handles');

/** Waits for news rather than asking for it: a queue that lost its connection is noticed by its error. */
const IDLE_CHECK_SECONDS = 30;

/**
 * How long the queue believes that a silent worker still has what it was given, and how often it looks. It matters only
 * where a worker dies before it has claimed the operation; a job that is wrongly given out again finds nothing to claim.
 */
const DELIVERY_MS = 10_000;

/** Makes a class the one processor of an operation type: a BullMQ worker of its queue, with the contract's concurrency. */
export function HandlesOperation(contract: OperationContract): ClassDecorator {
  return applyDecorators(
    SetMetadata(HANDLED_CONTRACT, contract),
    Processor({ name: contract.name }, workerOptionsOf(contract)),
  );
}

/** How BullMQ runs the worker of an operation type. */
export function workerOptionsOf({ policy }: OperationContract) {
  return {
    concurrency: policy.concurrency,
    drainDelay: IDLE_CHECK_SECONDS,
    lockDuration: DELIVERY_MS,
    stalledInterval: DELIVERY_MS,
  };
}

/** The contract of a processor class; undefined for any other class. */
export function contractHandledBy(processor: object): OperationContract | undefined {
  return Reflect.getMetadata(HANDLED_CONTRACT, processor) as OperationContract | undefined;
}
