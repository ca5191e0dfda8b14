import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { Sensor } from '../jobs/sensor';
import { BillingConfig } from './billing.config';
import { nextMonth } from './billing-period';
import { InvoicesRepository } from './invoices.repository';
import { InvoicesService } from './invoices.service';
import { MANUAL } from './subscription.entity';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/**
 * Writes the invoice of each period that begins, and marks what was not paid in time. A period's invoice and the step to
 * that period are one commit under the lock of the row, so none is written twice, and none is left out after a downtime.
 */
@Injectable()
export class RenewalsSensor extends Sensor {
  constructor(
    private readonly transactor: Transactor,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly invoices: InvoicesService,
    private readonly openInvoices: InvoicesRepository,
    private readonly config: BillingConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.renewalSeconds * 1_000;
  }

  async look(): Promise<void> {
    while (await this.transactor.run((em) => this.renewOne(em)));
    for (const id of await this.openInvoices.overdue(this.clock.now())) {
      await this.transactor.run(async (em) => {
        const changed = await this.rows.change(em, id, 'past_due');
        await this.subscriptions.record(em, 'subscription.past_due', changed, {}, 'failure');
      });
    }
  }

  /** False where none is due. */
  private async renewOne(em: EntityManager): Promise<boolean> {
    const due = await this.rows.takeRenewable(em, MANUAL, this.clock.now());
    if (due === null) return false;
    const from = due.currentPeriodEnd as Date;
    const period = { from, to: nextMonth(from, due.startedAt?.getUTCDate()) };
    await this.invoices.issue(em, due, period, null);
    await this.rows.update(em, due.id, { currentPeriodStart: period.from, currentPeriodEnd: period.to });
    return true;
  }
}
