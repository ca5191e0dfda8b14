import { Injectable } from '@nestjs/common';
import type { EntityManager, QueryDeepPartialEntity } from 'typeorm';
import type { ErrorBody } from '../common/problem';
import { Transactor } from '../database/transactor';
import type { GraphSchema } from '../schemas/graph-schema';
import { Backup, type BackupFormat, type BackupStatus } from './backup.entity';
import { type BackupManifest, total } from './backup-manifest';

export interface BackupFilter {
  status?: BackupStatus;
  format?: BackupFormat;
  label?: string;
}

export interface BackupStats {
  total: number;
  completed: number;
  failed: number;
  originalBytes: number;
  storedBytes: number;
  /** Mean of original by stored bytes of each completed one; 0 without one. */
  averageRatio: number;
  latest: Date | null;
  formats: Record<string, number>;
}

export type NewBackup = Pick<
  Backup,
  'id' | 'graphId' | 'orgId' | 'kind' | 'format' | 'labels' | 'retentionDays' | 'createdBy' | 'createdAt' | 'expiresAt'
> &
  Partial<Pick<Backup, 'scheduleId'>>;

/** Rows of backups. */
@Injectable()
export class BackupsRepository {
  constructor(private readonly transactor: Transactor) {}

  /** Two requests of one graph take turns from here on, so that neither passes a limit beside the other. */
  async takeTurn(em: EntityManager, graphId: string): Promise<void> {
    await em.query('select 1 from graph where id = $1 for no key update', [graphId]);
  }

  async insert(em: EntityManager, backup: NewBackup): Promise<void> {
    await em.insert(Backup, { ...backup, status: 'in_progress', originalBytes: 0, storedBytes: 0 });
  }

  async setOperation(em: EntityManager, id: string, operationId: string): Promise<void> {
    await em.update(Backup, { id }, { operationId });
  }

  find(graphId: string, id: string, em: EntityManager = this.transactor.em): Promise<Backup | null> {
    return em.findOneBy(Backup, { id, graphId });
  }

  /** Whatever graph it is of; for operations, whose right to it was decided when they began. */
  get(id: string, em: EntityManager = this.transactor.em): Promise<Backup | null> {
    return em.findOneBy(Backup, { id });
  }

  findLocked(em: EntityManager, graphId: string, id: string): Promise<Backup | null> {
    return em.findOne(Backup, { where: { id, graphId }, lock: { mode: 'pessimistic_write' } });
  }

  /** Newest first, with the number of all that pass the filter. */
  async list(
    graphId: string,
    { status, format, label }: BackupFilter,
    { limit, offset }: { limit: number; offset: number },
  ): Promise<{ backups: Backup[]; total: number }> {
    const query = this.transactor.em
      .createQueryBuilder(Backup, 'backup')
      .where('backup.graphId = :graphId', { graphId })
      .orderBy('backup.createdAt', 'DESC')
      .addOrderBy('backup.id')
      .limit(limit)
      .offset(offset);
    if (status !== undefined) query.andWhere('backup.status = :status', { status });
    if (format !== undefined) query.andWhere('backup.format = :format', { format });
    if (label !== undefined) query.andWhere(':label = any(backup.labels)', { label });
    const [backups, found] = await query.getManyAndCount();
    return { backups, total: found };
  }

  /** Bytes that the completed backups of a graph take. */
  async storedBytes(em: EntityManager, graphId: string): Promise<number> {
    const [{ bytes }] = await em.query<{ bytes: string }[]>(
      `select coalesce(sum(stored_bytes), 0) as bytes from backup where graph_id = $1 and status = 'completed'`,
      [graphId],
    );
    return Number(bytes);
  }

  async stats(graphId: string): Promise<BackupStats> {
    const [row] = await this.transactor.em.query<
      (Omit<BackupStats, 'originalBytes' | 'storedBytes'> & { originalBytes: string; storedBytes: string })[]
    >(
      `select count(*)::int as total, count(*) filter (where status = 'completed')::int as completed,
         count(*) filter (where status = 'failed')::int as failed,
         coalesce(sum(original_bytes) filter (where status = 'completed'), 0) as "originalBytes",
         coalesce(sum(stored_bytes) filter (where status = 'completed'), 0) as "storedBytes",
         coalesce(avg(original_bytes::float8 / nullif(stored_bytes, 0)) filter (where status = 'completed'), 0) as "averageRatio",
         max(completed_at) filter (where status = 'completed') as latest,
         coalesce((select jsonb_object_agg(format, n) from (
           select format, count(*) as n from backup where graph_id = $1 group by format) f), '{}') as formats
       from backup where graph_id = $1`,
      [graphId],
    );
    return { ...row, originalBytes: Number(row.originalBytes), storedBytes: Number(row.storedBytes) };
  }

  async noteStarted(em: EntityManager, id: string, generation: number, at: Date): Promise<void> {
    await em.query('update backup set generation = $2, started_at = coalesce(started_at, $3) where id = $1', [
      id,
      generation,
      at,
    ]);
  }

  /** Makes it one that can be used; false where it is not being made any more. */
  async complete(
    em: EntityManager,
    id: string,
    { manifest, objectKey, at }: { manifest: BackupManifest; objectKey: string; at: Date },
  ): Promise<boolean> {
    const { affected } = await em.update(
      Backup,
      { id, status: 'in_progress' },
      {
        status: 'completed',
        manifest,
        objectKey,
        originalBytes: manifest.content.bytes,
        storedBytes: manifest.stored.bytes,
        completedAt: at,
        verifiedAt: at,
        error: null,
      },
    );
    return affected === 1;
  }

  async fail(em: EntityManager, id: string, error: ErrorBody | null): Promise<void> {
    await em.query(`update backup set status = 'failed', error = $2 where id = $1 and status = 'in_progress'`, [
      id,
      error === null ? null : JSON.stringify(error),
    ]);
  }

  /** Lets one that failed be made after all; false where it did not fail, or is gone. */
  async reopen(em: EntityManager, id: string, operationId: string): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      `update backup set status = 'in_progress', error = null, operation_id = $2 where id = $1 and status = 'failed'`,
      [id, operationId],
    );
    return changed === 1;
  }

  async noteVerified(em: EntityManager, id: string, at: Date): Promise<void> {
    await em.update(Backup, { id }, { verifiedAt: at, error: null });
  }

  async noteDamaged(em: EntityManager, id: string, error: ErrorBody): Promise<void> {
    await em.update(Backup, { id }, { verifiedAt: null, error } as QueryDeepPartialEntity<Backup>);
  }

  async setLabels(em: EntityManager, id: string, labels: string[]): Promise<void> {
    await em.update(Backup, { id }, { labels });
  }

  async remove(em: EntityManager, id: string): Promise<void> {
    await em.delete(Backup, { id });
  }

  /** Number of the last event that the platform has noted. */
  async lastEvent(): Promise<number> {
    const [{ position }] = await this.transactor.em.query<{ position: string | null }[]>(
      'select max(position) as position from operation_event',
    );
    return Number(position ?? 0);
  }

  /** In the transaction that publishes restored data: the schema that fits it. */
  async setSchema(em: EntityManager, graphId: string, schema: GraphSchema): Promise<void> {
    await em.query('update graph set schema = $2 where id = $1', [graphId, JSON.stringify(schema)]);
  }

  /** A graph that a backup was to be restored into, and that has no data: as after a creation that failed, and back. */
  async moveNewGraph(em: EntityManager, graphId: string, from: string, to: string): Promise<boolean> {
    const [, changed] = await em.query<[unknown, number]>(
      `update graph set status = $3, updated_at = now() where id = $1 and status = $2 and live_generation is null`,
      [graphId, from, to],
    );
    return changed === 1;
  }

  /** The keys of those objects that a backup names, or that an operation may still make so. */
  async stillNeeded(objects: { key: string; backupId: string; operationId: string }[]): Promise<Set<string>> {
    const rows = await this.transactor.em.query<{ key: string }[]>(
      `select given.key from jsonb_to_recordset($1) as given (key text, "backupId" uuid, "operationId" text)
       where exists (select from backup b where b.id = given."backupId" and b.object_key is not null
           and split_part(given.key, '.', 1) = split_part(b.object_key, '.', 1))
         or exists (select from operation o where o.id = given."operationId" and o.status in ('pending', 'running'))`,
      [JSON.stringify(objects)],
    );
    return new Set(rows.map(({ key }) => key));
  }
}

/** What a completed backup holds, for those who list it. */
export function countsIn(manifest: BackupManifest | null): { nodes: number; relationships: number } {
  return { nodes: total(manifest?.nodes ?? {}), relationships: total(manifest?.relationships ?? {}) };
}
