import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { OrgAccess } from '../auth/access';
import { AccessService } from '../auth/access.service';
import type { Actor } from '../auth/actor';
import type { OrgRole } from '../auth/roles';
import { Clock } from '../common/clock';
import { UUID } from '../common/ids';
import { sqlState } from '../database/passing-failures';
import { Transactor } from '../database/transactor';
import { OrgMember } from './org-member.entity';
import { AdminsOnly, AlreadyMember, LastOwner, MemberNotFound, OwnersOnly, UserNotRegistered } from './orgs.errors';

export interface OrgMemberView {
  user_id: string;
  name: string;
  email: string;
  role: OrgRole;
  joined_at: Date;
  is_active: boolean;
}

const VIEW = `select m.user_id, u.name, u.email, m.role, m.joined_at, u.is_active
  from org_member m join app_user u on u.id = m.user_id`;
const UNIQUE_VIOLATION = '23505';

/** Who belongs to an organisation, as what. There is always an owner, and only owners decide about owners. */
@Injectable()
export class OrgMembersService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly access: AccessService,
    private readonly clock: Clock,
  ) {}

  /** All members, in the order of joining. */
  async list(orgId: string): Promise<OrgMemberView[]> {
    return this.transactor.em.query(`${VIEW} where m.org_id = $1 order by m.joined_at, m.user_id`, [orgId]);
  }

  /** Adds somebody who has an account. Throws {@link UserNotRegistered} and {@link AlreadyMember}. */
  async add(actor: Actor, org: OrgAccess, input: { email: string; role: OrgRole }): Promise<OrgMemberView> {
    if (input.role === 'owner' && org.role !== 'owner') throw new OwnersOnly();
    return this.changeMembers(org.id, async (em) => {
      const [user] = await em.query<{ id: string }[]>(`select id from app_user where lower(email) = $1 and is_active`, [
        input.email,
      ]);
      if (!user) throw new UserNotRegistered(input.email);
      const member = { orgId: org.id, userId: user.id, role: input.role, joinedAt: this.clock.now() };
      await em.insert(OrgMember, member).catch((error: unknown) => {
        throw sqlState(error) === UNIQUE_VIOLATION ? new AlreadyMember('organisation') : error;
      });
      await this.record(em, actor, 'org.member_added', member);
      return this.view(em, org.id, user.id);
    });
  }

  /** Gives a member another role. */
  async changeRole(actor: Actor, org: OrgAccess, userId: string, role: OrgRole): Promise<OrgMemberView> {
    return this.changeMembers(org.id, async (em) => {
      const member = await this.find(em, org.id, userId);
      if ((member.role === 'owner' || role === 'owner') && org.role !== 'owner') throw new OwnersOnly();
      if (member.role === 'owner' && role !== 'owner') await this.requireAnotherOwner(em, org.id);
      await em.update(OrgMember, { orgId: org.id, userId }, { role });
      await this.record(em, actor, 'org.member_role_changed', { orgId: org.id, userId, role });
      return this.view(em, org.id, userId);
    });
  }

  /** Takes a member out, from the organisation's graphs too. Everybody may leave. */
  async remove(actor: Actor, org: OrgAccess, userId: string): Promise<void> {
    if (userId !== actor.userId && org.role === 'member') throw new AdminsOnly();
    await this.changeMembers(org.id, async (em) => {
      const member = await this.find(em, org.id, userId);
      if (member.role === 'owner' && org.role !== 'owner') throw new OwnersOnly();
      if (member.role === 'owner') await this.requireAnotherOwner(em, org.id);
      await em.delete(OrgMember, { orgId: org.id, userId });
      // Or a later return to the organisation would bring the old rights in its graphs back.
      await em.query(
        `delete from graph_member gm using graph g where g.id = gm.graph_id and g.org_id = $1 and gm.user_id = $2`,
        [org.id, userId],
      );
      await this.record(em, actor, 'org.member_removed', member);
    });
  }

  /** One change at a time in each organisation: two owners who leave at once cannot both be "not the last". */
  private async changeMembers<T>(orgId: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.transactor.run(async (em) => {
      await em.query(`select from org where id = $1 for no key update`, [orgId]);
      return work(em);
    });
    this.access.forget();
    return result;
  }

  private async find(em: EntityManager, orgId: string, userId: string): Promise<OrgMember> {
    const member = UUID.test(userId) ? await em.findOneBy(OrgMember, { orgId, userId }) : null;
    if (!member) throw new MemberNotFound('organisation');
    return member;
  }

  private async view(em: EntityManager, orgId: string, userId: string): Promise<OrgMemberView> {
    const [view] = await em.query<OrgMemberView[]>(`${VIEW} where m.org_id = $1 and m.user_id = $2`, [orgId, userId]);
    return view;
  }

  private async requireAnotherOwner(em: EntityManager, orgId: string): Promise<void> {
    if ((await em.countBy(OrgMember, { orgId, role: 'owner' })) < 2) throw new LastOwner();
  }

  private record(em: EntityManager, actor: Actor, action: string, member: Omit<OrgMember, 'joinedAt'>): Promise<void> {
    const { orgId, userId, role } = member;
    return this.audit.record(em, { actor, action, target: userId, orgId, details: { role } });
  }
}
