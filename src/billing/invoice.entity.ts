import { Column, Entity, PrimaryColumn } from 'typeorm';

export const INVOICE_STATUSES = ['draft', 'open', 'paid', 'void', 'uncollectible'] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];

/** One line of an invoice, as it is shown; the amount in cents. */
export interface InvoiceLine {
  description: string;
  amount: number;
  quantity: number;
  period_start: string | null;
  period_end: string | null;
}

/** What is owed or was paid for one period. Amounts are in cents. */
@Entity('invoice')
export class Invoice {
  @PrimaryColumn('uuid')
  readonly id: string;

  @Column('uuid', { name: 'org_id' })
  readonly orgId: string;

  @Column('uuid', { name: 'subscription_id', nullable: true })
  readonly subscriptionId: string | null;

  @Column('text', { nullable: true })
  readonly number: string | null;

  @Column('text')
  readonly status: InvoiceStatus;

  @Column('integer', { name: 'amount_due' })
  readonly amountDue: number;

  @Column('integer', { name: 'amount_paid' })
  readonly amountPaid: number;

  @Column('text')
  readonly currency: string;

  @Column('jsonb', { name: 'line_items' })
  readonly lineItems: InvoiceLine[];

  @Column('timestamptz', { name: 'period_start', nullable: true })
  readonly periodStart: Date | null;

  @Column('timestamptz', { name: 'period_end', nullable: true })
  readonly periodEnd: Date | null;

  @Column('timestamptz', { name: 'due_date', nullable: true })
  readonly dueDate: Date | null;

  @Column('timestamptz', { name: 'paid_at', nullable: true })
  readonly paidAt: Date | null;

  @Column('text')
  readonly provider: string;

  @Column('text', { name: 'provider_invoice_id', nullable: true })
  readonly providerInvoiceId: string | null;

  @Column('text', { name: 'hosted_invoice_url', nullable: true })
  readonly hostedInvoiceUrl: string | null;

  @Column('text', { name: 'invoice_pdf', nullable: true })
  readonly invoicePdf: string | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;
}
