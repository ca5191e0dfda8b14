import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ErrorBody } from '../common/problem';
import type { SubscriptionStatus } from './subscription-transitions';

export const RESOURCE_TYPES = ['graph', 'repository'] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** Nobody collects: invoices are paid in whatever way was agreed upon, and an operator notes it. */
export const MANUAL = 'manual';
export const STRIPE = 'stripe';

/** What an organisation pays for: one graph, or access to a repository. */
@Entity('subscription')
export class Subscription {
  @PrimaryColumn('uuid')
  readonly id: string;

  @Column('uuid', { name: 'org_id' })
  readonly orgId: string;

  @Column('text', { name: 'resource_type' })
  readonly resourceType: ResourceType;

  /** Null until it is provisioned. */
  @Column('text', { name: 'resource_id', nullable: true })
  readonly resourceId: string | null;

  /** The tier of a graph, or the plan of a repository. */
  @Column('text', { name: 'plan_name' })
  readonly planName: string;

  @Column('text')
  readonly status: SubscriptionStatus;

  /** For one interval. */
  @Column('integer', { name: 'base_price_cents' })
  readonly basePriceCents: number;

  @Column('text')
  readonly currency: string;

  @Column('text', { name: 'billing_interval' })
  readonly billingInterval: 'monthly';

  @Column('timestamptz', { name: 'current_period_start', nullable: true })
  readonly currentPeriodStart: Date | null;

  @Column('timestamptz', { name: 'current_period_end', nullable: true })
  readonly currentPeriodEnd: Date | null;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  readonly startedAt: Date | null;

  @Column('text')
  readonly provider: string;

  @Column('text', { name: 'provider_subscription_id', nullable: true })
  readonly providerSubscriptionId: string | null;

  /** What was told last to who collects, see `SubscriptionsRepository.decidedOf`; null before the order is known there. */
  @Column('text', { name: 'provider_told', nullable: true })
  readonly providerTold: string | null;

  /** Of the checkout; null where there was none. */
  @Column('text', { name: 'session_id', nullable: true })
  readonly sessionId: string | null;

  @Column('text', { name: 'provisioning_operation_id', nullable: true })
  readonly provisioningOperationId: string | null;

  @Column('timestamptz', { name: 'claimed_at', nullable: true })
  readonly claimedAt: Date | null;

  @Column('jsonb', { name: 'last_provisioning_error', nullable: true })
  readonly lastProvisioningError: ErrorBody | null;

  @Column('timestamptz', { name: 'canceled_at', nullable: true })
  readonly canceledAt: Date | null;

  /** From then on what it is for may not be used. */
  @Column('timestamptz', { name: 'ends_at', nullable: true })
  readonly endsAt: Date | null;

  /** Since when it is known that something was paid and is not there; an operator gives it back. */
  @Column('timestamptz', { name: 'refund_due_at', nullable: true })
  readonly refundDueAt: Date | null;

  /** When an operator has noted that it was given back. */
  @Column('timestamptz', { name: 'refunded_at', nullable: true })
  readonly refundedAt: Date | null;

  /** What to make: for a graph its name, schema, tags and so on, see `dto/checkout.dto.ts`. */
  @Column('jsonb')
  readonly metadata: Readonly<Record<string, unknown>>;

  @Column('uuid', { name: 'created_by', nullable: true })
  readonly createdBy: string | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  readonly updatedAt: Date;
}
