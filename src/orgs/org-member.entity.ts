import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { OrgRole } from '../auth/roles';

/** Somebody's place in an organisation. */
@Entity('org_member')
export class OrgMember {
  @PrimaryColumn({ name: 'org_id', type: 'uuid' })
  orgId: string;

  @PrimaryColumn({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ type: 'text' })
  role: OrgRole;

  @Column({ name: 'joined_at', type: 'timestamptz' })
  joinedAt: Date;
}
