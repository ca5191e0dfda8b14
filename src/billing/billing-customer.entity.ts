import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An organisation as one who pays. */
@Entity('billing_customer')
export class BillingCustomer {
  @PrimaryColumn('uuid', { name: 'org_id' })
  readonly orgId: string;

  @Column('text')
  readonly provider: string;

  @Column('text', { name: 'provider_customer_id', nullable: true })
  readonly providerCustomerId: string | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  readonly updatedAt: Date;
}
