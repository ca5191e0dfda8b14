import { Column, Entity, PrimaryColumn } from 'typeorm';

export const ORG_TYPES = ['personal', 'team', 'enterprise'] as const;
export type OrgType = (typeof ORG_TYPES)[number];

/** Who owns graphs: one person, or several together. */
@Entity('org')
export class Org {
  @PrimaryColumn({ type: 'uuid' })
  id: string;

  @Column({ type: 'text' })
  name: string;

  @Column({ name: 'org_type', type: 'text' })
  orgType: OrgType;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;
}
