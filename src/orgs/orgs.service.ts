import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { OrgNotFound } from '../auth/auth.errors';
import type { Actor } from '../auth/actor';
import { reachesGraph } from '../auth/access-rules';
import type { OrgRole } from '../auth/roles';
import type { OrgAccess } from '../auth/access';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { OrgMember } from './org-member.entity';
import { Org, type OrgType } from './org.entity';
import { OrgsConfig } from './orgs.config';
import { GraphLimitReached, PersonalOrgHasMembers } from './orgs.errors';

/** An organisation as one of its members sees it. */
export interface OrgView {
  id: string;
  name: string;
  org_type: OrgType;
  role: OrgRole;
  member_count: number;
  graph_count: number;
  created_at: Date;
  updated_at: Date;
  joined_at: Date;
}

export interface OrgGraph {
  graph_id: string;
  graph_name: string;
  description: string | null;
  tier: string;
  status: string;
  /** The asker's own; null for a subgraph, whose parent's role counts. */
  role: 'viewer' | 'member' | 'admin' | null;
  is_subgraph: boolean;
  parent_graph_id: string | null;
  created_at: Date;
}

export interface OrgLimits {
  org_id: string;
  max_graphs: number;
  current_usage: { graphs: number; subgraphs: number; members: number };
  warnings: string[];
  can_create_graph: boolean;
}

const VIEW = `select o.id, o.name, o.org_type, o.created_at, o.updated_at, m.role, m.joined_at,
    (select count(*)::int from org_member x where x.org_id = o.id) as member_count,
    (select count(*)::int from graph g where g.org_id = o.id and g.parent_id is null and g.status not in ('deleted', 'failed')) as graph_count
  from org_member m join org o on o.id = m.org_id`;
/** Share of the graphs at which a warning appears. */
const NEARLY_FULL = 0.8;

/** Organisations: who belongs together and what they own. */
@Injectable()
export class OrgsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly ids: Ids,
    private readonly clock: Clock,
    private readonly config: OrgsConfig,
  ) {}

  /** Inserts an organisation with its first owner, in the caller's transaction. */
  async insert(em: EntityManager, org: { name: string; orgType: OrgType; ownerId: string }): Promise<Org> {
    const now = this.clock.now();
    const made = em.create(Org, {
      id: this.ids.uuid(),
      name: org.name,
      orgType: org.orgType,
      createdAt: now,
      updatedAt: now,
    });
    await em.insert(Org, made);
    await em.insert(OrgMember, { orgId: made.id, userId: org.ownerId, role: 'owner', joinedAt: now });
    return made;
  }

  /** Makes a further organisation; its maker becomes the owner. */
  async create(actor: Actor, input: { name: string; orgType: OrgType }): Promise<OrgView> {
    const org = await this.transactor.run(async (em) => {
      const made = await this.insert(em, { ...input, ownerId: actor.userId });
      await this.audit.record(em, { actor, action: 'org.created', target: made.id, orgId: made.id });
      return made;
    });
    return this.view(actor, org.id);
  }

  /** All organisations of a user, in the order of joining: the first is where graphs go by default. */
  async list(actor: Pick<Actor, 'userId'>): Promise<OrgView[]> {
    return this.transactor.em.query(`${VIEW} where m.user_id = $1 order by m.joined_at, o.id`, [actor.userId]);
  }

  /** One organisation, as the user sees it. Throws {@link OrgNotFound}. */
  async view(actor: Pick<Actor, 'userId'>, orgId: string): Promise<OrgView> {
    const rows: OrgView[] = await this.transactor.em.query(`${VIEW} where m.user_id = $1 and o.id = $2`, [
      actor.userId,
      orgId,
    ]);
    if (rows.length === 0) throw new OrgNotFound();
    return rows[0];
  }

  /** Changes name and type. A personal organisation has one member. */
  async update(actor: Actor, orgId: string, changes: { name?: string; orgType?: OrgType }): Promise<void> {
    const set = { ...(changes.name && { name: changes.name }), ...(changes.orgType && { orgType: changes.orgType }) };
    if (Object.keys(set).length === 0) return;
    await this.transactor.run(async (em) => {
      await em.query(`select from org where id = $1 for no key update`, [orgId]);
      const members = await em.countBy(OrgMember, { orgId });
      if (changes.orgType === 'personal' && members > 1) throw new PersonalOrgHasMembers(members);
      await em.update(Org, { id: orgId }, { ...set, updatedAt: this.clock.now() });
      await this.audit.record(em, { actor, action: 'org.updated', target: orgId, orgId, details: set });
    });
  }

  /** The graphs of an organisation that the actor can use: all for owners and admins, their own for members. */
  async graphs(actor: Actor, org: OrgAccess): Promise<OrgGraph[]> {
    const graphs: OrgGraph[] = await this.transactor.em.query(
      `select g.id as graph_id, g.name as graph_name, g.description, g.tier, g.status,
         case when $3 then 'admin' else gm.role end as role,
         g.parent_id is not null as is_subgraph, g.parent_id as parent_graph_id, g.created_at
       from graph g left join graph_member gm on gm.graph_id = coalesce(g.parent_id, g.id) and gm.user_id = $2
       where g.org_id = $1 and g.status <> 'deleted' and ($3 or gm.role is not null)
       order by g.created_at, g.id`,
      [org.id, actor.userId, org.role !== 'member'],
    );
    return graphs.filter((graph) => reachesGraph(actor, graph.graph_id, graph.parent_graph_id));
  }

  /** How much of what it may have an organisation has now. */
  async limits(orgId: string): Promise<OrgLimits> {
    const [usage] = await this.transactor.em.query<OrgLimits['current_usage'][]>(
      `select (select count(*)::int from graph where org_id = $1 and parent_id is null and status not in ('deleted', 'failed')) as graphs,
         (select count(*)::int from graph where org_id = $1 and parent_id is not null and status not in ('deleted', 'failed')) as subgraphs,
         (select count(*)::int from org_member where org_id = $1) as members`,
      [orgId],
    );
    const max = this.config.maxGraphs;
    const nearlyFull = usage.graphs >= max * NEARLY_FULL;
    return {
      org_id: orgId,
      max_graphs: max,
      current_usage: usage,
      warnings: nearlyFull ? [`${usage.graphs} of ${max} graphs are in use`] : [],
      can_create_graph: usage.graphs < max,
    };
  }

  /**
   * Makes sure that one more graph fits, and keeps it so until the caller's transaction ends: two requests at once
   * cannot both take the last place. Throws {@link GraphLimitReached}.
   */
  async requireRoomForGraph(em: EntityManager, orgId: string): Promise<void> {
    await em.query(`select from org where id = $1 for no key update`, [orgId]);
    const [{ graphs }] = await em.query<{ graphs: number }[]>(
      `select count(*)::int as graphs from graph where org_id = $1 and parent_id is null and status not in ('deleted', 'failed')`,
      [orgId],
    );
    if (graphs >= this.config.maxGraphs) throw new GraphLimitReached(this.config.maxGraphs);
  }
}
