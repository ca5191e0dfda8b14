import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';

/** A link that was given out. */
export interface BackupDownload {
  id: string;
  backupId: string;
  graphId: string;
  userId: string;
  apiKeyId: string | null;
  createdAt: Date;
  expiresAt: Date;
}

/** Rows of links to backups. */
@Injectable()
export class BackupDownloadsRepository {
  constructor(private readonly transactor: Transactor) {}

  async insert(em: EntityManager, link: BackupDownload): Promise<void> {
    await em.query(
      `insert into backup_download (id, backup_id, graph_id, user_id, api_key_id, created_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [link.id, link.backupId, link.graphId, link.userId, link.apiKeyId, link.createdAt, link.expiresAt],
    );
  }

  /** How many links were given out for backups of a graph since then. */
  async countSince(graphId: string, since: Date, em: EntityManager = this.transactor.em): Promise<number> {
    const [{ count }] = await em.query<{ count: number }[]>(
      'select count(*)::int as count from backup_download where graph_id = $1 and created_at >= $2',
      [graphId, since],
    );
    return count;
  }

  /** A link, where its user is active and the key that asked for it is good; else null. */
  async findUsable(id: string): Promise<BackupDownload | null> {
    const [row] = await this.transactor.em.query<BackupDownload[]>(
      `select d.id, d.backup_id as "backupId", d.graph_id as "graphId", d.user_id as "userId", d.api_key_id as "apiKeyId",
         d.created_at as "createdAt", d.expires_at as "expiresAt"
       from backup_download d left join api_key k on k.id = d.api_key_id
       where d.id = $1 and (d.api_key_id is null or k.is_active and (k.expires_at is null or k.expires_at > now()))`,
      [id],
    );
    return row ?? null;
  }
}
