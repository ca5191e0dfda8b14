import { Controller, Headers, HttpCode, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import Stripe from 'stripe';
import { AuditService } from '../audit/audit.service';
import { Public } from '../auth/requires';
import { BillingConfig } from './billing.config';
import { WebhookSignatureInvalid, WebhooksNotTaken } from './billing.errors';
import { StripeEvents } from './stripe-events';

/** Seconds that an event may have been on its way; older ones may be somebody's recording. */
const TOLERANCE_SECONDS = 300;

/** Where Stripe tells what happened. Whoever sends shows by the signature who they are. */
@ApiTags('billing')
@Controller('admin/v1/webhooks')
export class StripeWebhookController {
  constructor(
    private readonly config: BillingConfig,
    private readonly events: StripeEvents,
    private readonly audit: AuditService,
  ) {}

  @Post('stripe')
  @Public()
  @HttpCode(200)
  @ApiOperation({ summary: "Takes Stripe's signed events, each of them once" })
  async receive(
    @Req() request: RawBodyRequest<FastifyRequest>,
    @Headers('stripe-signature') signature?: string,
  ): Promise<object> {
    const processed = await this.events.process(await this.verified(request, signature));
    return { received: true, processed };
  }

  private async verified(request: RawBodyRequest<FastifyRequest>, signature?: string): Promise<Stripe.Event> {
    const { stripeWebhookSecret: secret } = this.config;
    if (secret === undefined) throw new WebhooksNotTaken();
    try {
      return Stripe.webhooks.constructEvent(request.rawBody ?? '', signature ?? '', secret, TOLERANCE_SECONDS);
    } catch (error) {
      await this.audit.recordRefusal({
        actor: { requestId: request.id, ip: request.ip },
        action: 'webhook.refused',
        details: { reason: error instanceof Stripe.errors.StripeError ? 'signature' : 'content' },
      });
      throw new WebhookSignatureInvalid();
    }
  }
}
