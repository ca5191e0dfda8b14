import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AuditActor } from '../audit/audit.service';
import { NotImplementedYet } from '../common/not-implemented';
import type { Subscription } from './subscription.entity';

/**
 * Who makes, changes and ends what subscriptions pay for. Each method is called inside the transaction that changes the
 * subscription, so that change and operation commit together or not at all: it begins an operation and does no work.
 */
export abstract class Fulfilment {
  /** Begins making what was just paid for; its subscription is `provisioning` and claimed for this operation. */
  abstract begin(
    em: EntityManager,
    subscription: Subscription,
    actor: AuditActor | null,
  ): Promise<{ operationId: string }>;

  /** Begins moving what is there to another plan; its subscription is `upgrading`, and still names the old plan. */
  abstract changePlan(
    em: EntityManager,
    subscription: Subscription,
    planName: string,
    actor: AuditActor | null,
  ): Promise<{ operationId: string }>;
}

/** Where the one fulfilment of the platform is put, and found by billing, which knows nothing of it. */
@Injectable()
export class Fulfilments {
  private provided?: Fulfilment;

  /** Call it once, when the module starts. */
  provide(fulfilment: Fulfilment): void {
    if (this.provided !== undefined) throw new Error('What subscriptions pay for is already made by another module');
    this.provided = fulfilment;
  }

  /** Throws {@link NotImplementedYet} where no module can make what is paid for. */
  get(): Fulfilment {
    if (this.provided === undefined) throw new NotImplementedYet('Making what a subscription pays for');
    return this.provided;
  }
}
