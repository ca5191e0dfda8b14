import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { Transactor } from '../database/transactor';
import { InvoicesQuery } from './dto/invoice.dto';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/** Payments for which nothing is there, nor will be. Giving back is done where the money is; here it is noted. */
@ApiTags('Administration')
@Controller('v1/admin/refunds')
@Requires('operator')
export class RefundsController {
  constructor(
    private readonly transactor: Transactor,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'What is to be given back, the oldest first; amounts in cents', operationId: 'listRefunds' })
  async list(@Query() { limit }: InvoicesQuery): Promise<object> {
    const due = await this.rows.refundsDue(limit);
    return {
      refunds: due.map((one) => ({
        subscription_id: one.id,
        org_id: one.orgId,
        plan_name: one.planName,
        status: one.status,
        provider: one.provider,
        provider_subscription_id: one.providerSubscriptionId,
        amount_paid: one.amountPaid,
        currency: one.currency,
        due_since: one.refundDueAt!.toISOString(),
      })),
    };
  }

  @Post(':subscription_id/done')
  @HttpCode(200)
  @ApiOperation({ summary: 'Note that it was given back; noted twice it is the same', operationId: 'noteRefund' })
  async done(@CurrentActor() actor: Actor, @Param('subscription_id') id: string): Promise<object> {
    return this.transactor.run(async (em) => {
      await this.subscriptions.get(id, { em });
      const noted = await this.rows.noteRefunded(em, id);
      const subscription = await this.subscriptions.get(id, { em });
      if (noted) await this.subscriptions.record(em, 'payment.refunded', subscription, {}, 'success', actor);
      return {
        subscription_id: id,
        due_since: subscription.refundDueAt?.toISOString() ?? null,
        refunded_at: subscription.refundedAt?.toISOString() ?? null,
      };
    });
  }
}
