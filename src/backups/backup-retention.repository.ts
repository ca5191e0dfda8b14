import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import { Backup } from './backup.entity';

/** Completed backups of which their schedule has newer ones, as many as it keeps. */
const BEYOND_COUNT = `
  select id from (
    select b.id, s.keep_count, row_number() over (partition by s.id order by b.created_at desc, b.id) as place
    from backup b join backup_schedule s on s.id = b.schedule_id
    where b.status = 'completed' and s.keep_count is not null) placed
  where place > keep_count`;

export type ExpiredBackup = Pick<Backup, 'id' | 'graphId' | 'orgId' | 'kind'>;

/** Backups whose time is over, and those that outlived their graph. */
@Injectable()
export class BackupRetentionRepository {
  constructor(private readonly transactor: Transactor) {}

  /**
   * Removes the rows of backups whose time is over, or of which their schedule has enough, and gives them. One that is being made, checked or restored waits;
   * with `keepLast`, so does the newest proven one of a graph that is there. That of a deleted graph waits for as many days
   * from the deletion as `daysByTier` says.
   */
  async removeExpired(
    em: EntityManager,
    { now, keepLast, daysByTier, limit }: { now: Date; keepLast: boolean; daysByTier: object; limit: number },
  ): Promise<ExpiredBackup[]> {
    const [removed] = await em.query<[ExpiredBackup[], number]>(
      `delete from backup where id in (
         select b.id from backup b join graph g on g.id = b.graph_id
         where b.status <> 'in_progress'
           and (b.expires_at <= $1 or b.id in (${BEYOND_COUNT}))
           and not exists (select from operation o
             where o.status in ('pending', 'running') and o.payload ->> 'backupId' = b.id::text)
           and not (case when g.status <> 'deleted' then $2
               else g.deleted_at + make_interval(days => coalesce(($4::jsonb ->> g.tier)::int, 0)) > $1 end
             and b.id = (
             select l.id from backup l
             where l.graph_id = b.graph_id and l.status = 'completed' and l.format = 'full_dump' and l.verified_at is not null
             order by l.created_at desc, l.id limit 1))
         order by b.expires_at limit $3 for update of b skip locked)
       returning id, graph_id as "graphId", org_id as "orgId", kind`,
      [now, keepLast, limit, JSON.stringify(daysByTier)],
    );
    return removed;
  }

  /** Completed backups of deleted graphs of an organisation, newest first, with the number of all. */
  async ofDeletedGraphs(
    orgId: string,
    { limit, offset }: { limit: number; offset: number },
  ): Promise<{ backups: Backup[]; total: number }> {
    const [backups, total] = await this.transactor.em
      .createQueryBuilder(Backup, 'backup')
      .where('backup.orgId = :orgId', { orgId })
      .andWhere(`backup.status = 'completed'`)
      .andWhere(`exists (select from graph g where g.id = backup.graph_id and g.status = 'deleted')`)
      .orderBy('backup.createdAt', 'DESC')
      .addOrderBy('backup.id')
      .limit(limit)
      .offset(offset)
      .getManyAndCount();
    return { backups, total };
  }

  /** A backup of a deleted graph of an organisation, and the tier that the graph had. */
  async findOfDeletedGraph(orgId: string, backupId: string): Promise<{ backup: Backup; tier: string } | null> {
    const [graph] = await this.transactor.em.query<{ id: string; tier: string }[]>(
      `select g.id, g.tier from graph g join backup b on b.graph_id = g.id
       where b.id = $1 and b.org_id = $2 and g.status = 'deleted'`,
      [backupId, orgId],
    );
    if (graph === undefined) return null;
    const backup = await this.transactor.em.findOneBy(Backup, { id: backupId, graphId: graph.id });
    return backup && { backup, tier: graph.tier };
  }
}
