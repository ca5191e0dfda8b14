import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { KnownRepository, Repository, RepositoryGrant } from './repository';

const REPOSITORY = `name, graph_id as "graphId", description, plans, is_offered as "isOffered",
  is_offered and exists (select from graph g where g.id = graph_id and g.status = 'active') as "isOrderable"`;
const GRANT = `id, repository, graph_id as "graphId", org_id as "orgId", subscription_id as "subscriptionId", plan,
  monthly_credits::float8 as "monthlyCredits", granted_at as "grantedAt", revoked_at as "revokedAt"`;

/** Rows of repositories and of those who may read them. */
@Injectable()
export class RepositoriesRepository {
  constructor(private readonly transactor: Transactor) {}

  list(): Promise<KnownRepository[]> {
    return this.transactor.em.query(`select ${REPOSITORY} from repository order by name`);
  }

  /** By its name, or by the id of its graph. */
  async find(nameOrGraph: string, em: EntityManager = this.transactor.em): Promise<KnownRepository | null> {
    const rows = await em.query<KnownRepository[]>(
      `select ${REPOSITORY} from repository where name = $1 or graph_id = $1 order by name = $1 desc limit 1`,
      [nameOrGraph],
    );
    return rows[0] ?? null;
  }

  /** Makes a repository, or changes what is said of it; its graph stays. False where the name or the graph is taken. */
  async put(em: EntityManager, one: Repository, now: Date): Promise<boolean> {
    const rows = await em.query<unknown[]>(
      `insert into repository (name, graph_id, description, plans, is_offered, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $6)
       on conflict (name) do update set description = excluded.description, plans = excluded.plans,
         is_offered = excluded.is_offered, updated_at = excluded.updated_at
         where repository.graph_id = excluded.graph_id
       returning 1`,
      [one.name, one.graphId, one.description, JSON.stringify(one.plans), one.isOffered, now],
    );
    return rows.length > 0;
  }

  /** Grants once for each subscription: what an earlier attempt has granted is given again. Null where another one reads. */
  async grant(em: EntityManager, grant: RepositoryGrant): Promise<RepositoryGrant | null> {
    await em.query(
      `insert into repository_grant
         (id, repository, graph_id, org_id, subscription_id, plan, monthly_credits, granted_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
      [
        ...[grant.id, grant.repository, grant.graphId, grant.orgId, grant.subscriptionId],
        ...[grant.plan, grant.monthlyCredits, grant.grantedAt],
      ],
    );
    const rows = await em.query<RepositoryGrant[]>(
      `select ${GRANT} from repository_grant where subscription_id = $1 and revoked_at is null`,
      [grant.subscriptionId],
    );
    return rows[0] ?? null;
  }

  /** What was granted; null where it was revoked before, or never was. */
  async revoke(em: EntityManager, subscriptionId: string, now: Date): Promise<RepositoryGrant | null> {
    const [rows] = await em.query<[RepositoryGrant[], number]>(
      `update repository_grant set revoked_at = $2 where subscription_id = $1 and revoked_at is null returning ${GRANT}`,
      [subscriptionId, now],
    );
    return rows[0] ?? null;
  }

  async findGrant(id: string): Promise<RepositoryGrant | null> {
    const rows = await this.transactor.em.query<RepositoryGrant[]>(
      `select ${GRANT} from repository_grant where id = $1`,
      [id],
    );
    return rows[0] ?? null;
  }

  /** By which somebody reads a graph; null where none of their organisations subscribes to it. */
  async grantFor(userId: string, graphId: string): Promise<RepositoryGrant | null> {
    const rows = await this.transactor.em.query<RepositoryGrant[]>(
      `select ${GRANT} from repository_grant where graph_id = $2 and revoked_at is null
         and org_id in (select org_id from org_member where user_id = $1) order by granted_at limit 1`,
      [userId, graphId],
    );
    return rows[0] ?? null;
  }

  /** Those that last, by repository. */
  grantsOf(orgId: string): Promise<RepositoryGrant[]> {
    return this.transactor.em.query(
      `select ${GRANT} from repository_grant where org_id = $1 and revoked_at is null order by repository`,
      [orgId],
    );
  }
}
