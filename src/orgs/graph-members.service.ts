import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { GraphAccess } from '../auth/access';
import { AccessService } from '../auth/access.service';
import type { Actor } from '../auth/actor';
import type { MemberRole } from '../auth/roles';
import { UUID } from '../common/ids';
import { Transactor } from '../database/transactor';
import { AlreadyMember, MemberNotFound, OutsideOrg, SubgraphHasNoMembers } from './orgs.errors';

export interface GraphMemberView {
  user_id: string;
  name: string;
  email: string;
  role: MemberRole;
  /** True for owners and admins of the organisation: they are admins of all its graphs. */
  is_implicit: boolean;
}

/** Who of an organisation may use a graph, as what. Owners and admins may use all graphs and need no entry. */
@Injectable()
export class GraphMembersService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly access: AccessService,
  ) {}

  /** Enters the maker of a new graph, in the transaction that makes it. */
  async insert(em: EntityManager, graphId: string, userId: string, role: MemberRole): Promise<void> {
    await em.query(`insert into graph_member (graph_id, user_id, role) values ($1, $2, $3)`, [graphId, userId, role]);
  }

  /** Everybody who can use the graph; for a subgraph those of its parent. */
  async list(graph: GraphAccess): Promise<GraphMemberView[]> {
    return this.transactor.em.query(
      `select m.user_id, u.name, u.email, m.role <> 'member' as is_implicit,
         case when m.role = 'member' then gm.role else 'admin' end as role
       from org_member m join app_user u on u.id = m.user_id
         left join graph_member gm on gm.user_id = m.user_id and gm.graph_id = $2
       where m.org_id = $1 and (m.role <> 'member' or gm.role is not null) order by u.email`,
      [graph.orgId, graph.parentId ?? graph.id],
    );
  }

  /** Lets a member of the organisation into the graph. Throws {@link OutsideOrg} and {@link AlreadyMember}. */
  async add(actor: Actor, graph: GraphAccess, userId: string, role: MemberRole): Promise<GraphMemberView> {
    await this.change(actor, graph, 'graph.member_added', { userId, role }, async (em) => {
      const members: unknown[] = UUID.test(userId)
        ? await em.query(`select from org_member where org_id = $1 and user_id = $2 for share`, [graph.orgId, userId])
        : [];
      if (members.length === 0) throw new OutsideOrg();
      const added: unknown[] = await em.query(
        `insert into graph_member (graph_id, user_id, role) values ($1, $2, $3) on conflict do nothing returning user_id`,
        [graph.id, userId, role],
      );
      if (added.length === 0) throw new AlreadyMember('graph');
    });
    return this.view(graph, userId);
  }

  async changeRole(actor: Actor, graph: GraphAccess, userId: string, role: MemberRole): Promise<GraphMemberView> {
    await this.change(actor, graph, 'graph.member_role_changed', { userId, role }, async (em) => {
      await this.lock(em, graph.id, userId);
      await em.query(`update graph_member set role = $3 where graph_id = $1 and user_id = $2`, [
        graph.id,
        userId,
        role,
      ]);
    });
    return this.view(graph, userId);
  }

  async remove(actor: Actor, graph: GraphAccess, userId: string): Promise<void> {
    await this.change(actor, graph, 'graph.member_removed', { userId }, async (em) => {
      await this.lock(em, graph.id, userId);
      await em.query(`delete from graph_member where graph_id = $1 and user_id = $2`, [graph.id, userId]);
    });
  }

  private async change(
    actor: Actor,
    graph: GraphAccess,
    action: string,
    member: { userId: string; role?: MemberRole },
    work: (em: EntityManager) => Promise<void>,
  ): Promise<void> {
    if (graph.parentId !== null) throw new SubgraphHasNoMembers(graph.parentId);
    await this.transactor.run(async (em) => {
      await work(em);
      const details = { user_id: member.userId, ...(member.role && { role: member.role }) };
      await this.audit.record(em, { actor, action, target: graph.id, orgId: graph.orgId, details });
    });
    this.access.forget();
  }

  private async lock(em: EntityManager, graphId: string, userId: string): Promise<void> {
    const rows: unknown[] = UUID.test(userId)
      ? await em.query(`select from graph_member where graph_id = $1 and user_id = $2 for update`, [graphId, userId])
      : [];
    if (rows.length === 0) throw new MemberNotFound('graph');
  }

  private async view(graph: GraphAccess, userId: string): Promise<GraphMemberView> {
    const member = (await this.list(graph)).find((candidate) => candidate.user_id === userId);
    if (!member) throw new MemberNotFound('graph');
    return member;
  }
}
