import { Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import type { Scope } from './actor';
import type { MemberRole, OrgRole } from './roles';

/** How the caller is known: by a secret's hash, or, inside the platform, by id. */
export type Identity =
  { kind: 'session'; hash: Buffer } | { kind: 'api_key'; hash: Buffer } | { kind: 'user'; userId: string };

export type Target = { kind: 'none' } | { kind: 'graph'; id: string } | { kind: 'org'; id: string };

/** What one look into the database says about a caller and what they point at. Nulls: no such thing, or no role. */
export interface AccessRow {
  user_id: string;
  /** Id of the session or key. */
  credential_id: string | null;
  is_operator: boolean;
  scopes: Scope[];
  graph_ids: string[] | null;
  valid_until: Date | null;
  org_id?: string | null;
  org_role?: OrgRole | null;
  graph_id?: string | null;
  parent_id?: string | null;
  status?: string | null;
  tier?: string | null;
  parent_status?: string | null;
  graph_role?: MemberRole | null;
  /** Whether an organisation of theirs subscribes to it. */
  granted?: boolean;
}

const IDENTITY: Record<Identity['kind'], string> = {
  session: `select s.user_id, s.id as credential_id, u.is_operator, array['read', 'write', 'admin'] as scopes,
      null::text[] as graph_ids, least(s.expires_at, s.revoked_at) as valid_until
    from session s join app_user u on u.id = s.user_id and u.is_active where s.token_hash = $1`,
  api_key: `select k.user_id, k.id as credential_id, u.is_operator, k.scopes, k.graph_ids, k.expires_at as valid_until
    from api_key k join app_user u on u.id = k.user_id and u.is_active where k.key_hash = $1 and k.is_active`,
  user: `select u.id as user_id, null::uuid as credential_id, u.is_operator, array['read', 'write', 'admin'] as scopes,
      null::text[] as graph_ids, null::timestamptz as valid_until
    from app_user u where u.id = $1 and u.is_active`,
};

const TARGET: Record<Target['kind'], { columns: string; joins: string }> = {
  none: { columns: '', joins: '' },
  org: {
    columns: ', m.org_id, m.role as org_role',
    joins: 'left join org_member m on m.org_id = $2 and m.user_id = who.user_id',
  },
  // A subgraph has no members of its own: its parent's count.
  graph: {
    columns: `, g.id as graph_id, g.org_id, g.parent_id, g.status, g.tier, p.status as parent_status, m.role as org_role,
      gm.role as graph_role, exists (
        select from repository_grant rg join org_member rm on rm.org_id = rg.org_id and rm.user_id = who.user_id
        where rg.graph_id = g.id and rg.revoked_at is null) as granted`,
    joins: `left join graph g on g.id = $2
      left join graph p on p.id = g.parent_id
      left join org_member m on m.org_id = g.org_id and m.user_id = who.user_id
      left join graph_member gm on gm.graph_id = coalesce(g.parent_id, g.id) and gm.user_id = who.user_id`,
  },
};

/** Reads who somebody is and what they may do, in one statement. */
@Injectable()
export class AccessRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Null where the credential or the user is unknown or ended for good. Expiry is for the caller to judge. */
  async find(identity: Identity, target: Target): Promise<AccessRow | null> {
    const { columns, joins } = TARGET[target.kind];
    const statement = {
      // Named, so that Postgres plans each of the nine once per connection: planning costs more than running.
      name: `access_${identity.kind}_${target.kind}`,
      text: `select who.*${columns} from (${IDENTITY[identity.kind]}) who ${joins}`,
      values: [
        identity.kind === 'user' ? identity.userId : identity.hash,
        ...(target.kind === 'none' ? [] : [target.id]),
      ],
    };
    const { rows } = await this.pool.query<AccessRow>(statement);
    return rows[0] ?? null;
  }

  /** TypeORM's own pool: its `query` cannot name a statement. */
  private get pool(): Pool {
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }
}
