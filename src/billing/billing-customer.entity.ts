import { Column, Entity, PrimaryColumn } from 'typeorm';

export interface PaymentMethod {
  id: string;
  type: string;
  is_default: boolean;
  brand?: string | null;
  last4?: string | null;
  exp_month?: number | null;
  exp_year?: number | null;
}

/** An organisation as one who pays. */
@Entity('billing_customer')
export class BillingCustomer {
  @PrimaryColumn('uuid', { name: 'org_id' })
  readonly orgId: string;

  @Column('text')
  readonly provider: string;

  @Column('text', { name: 'provider_customer_id', nullable: true })
  readonly providerCustomerId: string | null;

  @Column('jsonb', { name: 'payment_methods' })
  readonly paymentMethods: PaymentMethod[];

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  readonly updatedAt: Date;
}
