import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { OrgsService } from '../orgs/orgs.service';
import { BillingConfig } from './billing.config';
import { NoBillingPortal } from './billing.errors';
import { BillingCustomersRepository } from './billing-customers.repository';
import { BillingProvider } from './billing-provider';
import { CheckoutService } from './checkout.service';
import { CreateCheckoutDto, toCheckoutStatusDto } from './dto/checkout.dto';
import { InvoicesQuery, toInvoiceDto } from './dto/invoice.dto';
import { CancelSubscriptionQuery, toSubscriptionDto } from './dto/subscription.dto';
import { InvoicesService } from './invoices.service';
import { Plans } from './plans';
import { MANUAL } from './subscription.entity';
import { SubscriptionChanges } from './subscription-changes';
import { SubscriptionsService } from './subscriptions.service';

@ApiTags('billing')
@Controller('v1/billing')
export class BillingController {
  constructor(
    private readonly checkouts: CheckoutService,
    private readonly customers: BillingCustomersRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly changes: SubscriptionChanges,
    private readonly invoices: InvoicesService,
    private readonly provider: BillingProvider,
    private readonly config: BillingConfig,
    private readonly orgs: OrgsService,
    private readonly plans: Plans,
  ) {}

  @Post('checkout')
  @Requires('user', { scope: 'admin' })
  @ApiOperation({ summary: 'Order a graph; it is made once its first invoice is paid' })
  async checkout(@CurrentActor() actor: Actor, @Body() body: CreateCheckoutDto): Promise<object> {
    const { subscription, sessionId, url } = await this.checkouts.order(actor, body);
    return {
      checkout_url: url,
      session_id: sessionId,
      subscription_id: subscription.id,
      // An invoice is paid in whatever way was agreed upon.
      requires_checkout: url !== null,
      billing_disabled: false,
    };
  }

  @Get('checkout/:session_id/status')
  @Requires('user')
  @ApiOperation({ summary: 'What became of an order' })
  async checkoutStatus(@CurrentActor() actor: Actor, @Param('session_id') sessionId: string): Promise<object> {
    return toCheckoutStatusDto(await this.checkouts.status(actor, sessionId));
  }

  @Get('customer/:org_id')
  @Requires('org:admin')
  @ApiOperation({ summary: 'The organisation as one who pays' })
  async customer(@CurrentActor() actor: Actor, @CurrentOrg() org: OrgAccess): Promise<object> {
    const [found, { created_at }] = await Promise.all([this.customers.find(org.id), this.orgs.view(actor, org.id)]);
    const methods = found?.providerCustomerId ? await this.provider.paymentMethods(found.providerCustomerId) : [];
    return {
      org_id: org.id,
      has_payment_method: methods.length > 0,
      invoice_billing_enabled: this.config.provider === MANUAL,
      payment_methods: methods,
      stripe_customer_id: found?.providerCustomerId ?? null,
      created_at: (found?.createdAt ?? created_at).toISOString(),
    };
  }

  @Post('customer/:org_id/portal')
  @HttpCode(200)
  @Requires('org:admin')
  @ApiOperation({ summary: "The provider's page for payment methods; 409 where there is none" })
  async portal(@CurrentOrg() org: OrgAccess): Promise<object> {
    const customer = await this.customers.find(org.id);
    if (customer?.providerCustomerId == null) throw new NoBillingPortal();
    return { portal_url: await this.provider.createPortal(customer.providerCustomerId) };
  }

  @Get('subscriptions/:org_id')
  @Requires('org:admin')
  @ApiOperation({ summary: 'All subscriptions, newest first' })
  async list(@CurrentOrg() org: OrgAccess): Promise<object[]> {
    return (await this.subscriptions.list(org.id)).map((one) => toSubscriptionDto(one, this.plans));
  }

  @Get('subscriptions/:org_id/subscription/:subscription_id')
  @Requires('org:admin')
  @ApiOperation({ summary: 'One subscription' })
  async read(@CurrentOrg() { id: orgId }: OrgAccess, @Param('subscription_id') id: string): Promise<object> {
    return toSubscriptionDto(await this.subscriptions.get(id, { orgId }), this.plans);
  }

  @Post('subscriptions/:org_id/subscription/:subscription_id/cancel')
  @HttpCode(200)
  @Requires('org:owner')
  @ApiOperation({ summary: 'End a subscription with the period that was paid for, or with immediately=true at once' })
  async cancel(
    @CurrentActor() actor: Actor,
    @CurrentOrg() { id: orgId }: OrgAccess,
    @Param('subscription_id') id: string,
    @Query() { immediately }: CancelSubscriptionQuery,
  ): Promise<object> {
    const options = { immediately: immediately === 'true' };
    return toSubscriptionDto(await this.changes.cancel(actor, orgId, id, options), this.plans);
  }

  @Get('invoices/:org_id')
  @Requires('org:admin')
  @ApiOperation({ summary: 'Invoices, newest first; amounts in cents' })
  async listInvoices(@CurrentOrg() org: OrgAccess, @Query() { limit }: InvoicesQuery): Promise<object> {
    const [invoices, total] = await this.invoices.list({ orgId: org.id }, limit);
    return { invoices: invoices.map(toInvoiceDto), total_count: total, has_more: total > invoices.length };
  }

  @Get('invoices/:org_id/upcoming')
  @Requires('org:admin')
  @ApiOperation({ summary: 'What will be owed next' })
  async upcoming(@CurrentOrg() org: OrgAccess): Promise<object> {
    const { amount, currency, period, lines, subscriptionId } = await this.invoices.upcoming(org.id);
    return {
      amount_due: amount,
      currency,
      period_start: period.from.toISOString(),
      period_end: period.to.toISOString(),
      line_items: lines,
      subscription_id: subscriptionId,
    };
  }
}
