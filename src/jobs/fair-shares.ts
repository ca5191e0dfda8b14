import { Injectable } from '@nestjs/common';
import type { OperationContract } from '../operations/define-operation';
import type { ReadyOperation } from '../operations/outbox';
import { AttemptsRepository } from './attempts.repository';
import { Dispatcher } from './dispatcher';

/** Of one organisation and one type, in this process. */
interface Share {
  running: number;
  /** Delivered while the share was used up, oldest first. To the queue they are done, to the database they wait. */
  parked: Map<string, ReadyOperation>;
}

/**
 * Lets one organisation have no more than its share (`policy.perOrg`) of the places of a worker. What is delivered beyond it
 * leaves its place to others, and goes to the end of the queue when one of the organisation's own ends. What a
 * process that ends has parked, the sweeper delivers again, as all that waits.
 */
@Injectable()
export class FairShares {
  private readonly shares = new Map<string, Share>();
  private deliveries = 0;

  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Runs the work now, or leaves it for a later delivery. */
  async within({ name, policy }: OperationContract, operationId: string, work: () => Promise<void>): Promise<void> {
    if (policy.perOrg === undefined) return work();
    const waiting = await this.attempts.waiting(operationId);
    if (waiting === undefined) return;
    const { orgId, ...operation } = waiting;
    const key = `${name} ${orgId}`;
    const share = this.shares.get(key) ?? { running: 0, parked: new Map<string, ReadyOperation>() };
    if (share.running >= policy.perOrg) {
      share.parked.set(operationId, operation);
      return;
    }
    this.shares.set(key, share);
    share.parked.delete(operationId);
    share.running += 1;
    try {
      await work();
    } finally {
      share.running -= 1;
      this.goOn(key, share);
    }
  }

  private goOn(key: string, share: Share): void {
    const [next] = share.parked.values();
    if (next === undefined) {
      if (share.running === 0) this.shares.delete(key);
      return;
    }
    share.parked.delete(next.id);
    this.deliveries += 1;
    // Its earlier delivery may not be over for the queue, so this one has a name of its own.
    this.dispatcher.send([{ ...next, delivery: `again${this.deliveries}` }]);
  }
}
