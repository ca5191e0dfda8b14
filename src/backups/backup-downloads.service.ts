import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { GraphAccess } from '../auth/access';
import { AccessService } from '../auth/access.service';
import { GraphSuspended } from '../auth/auth.errors';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { Ids, UUID } from '../common/ids';
import { sameSignature, signatureOf } from '../common/link-signature';
import { PlatformSecrets } from '../database/platform-secrets';
import { Transactor } from '../database/transactor';
import { TierTable } from '../limits/tier-table';
import type { ByteRange } from '../storage/object-store';
import { type BackupDownload, BackupDownloadsRepository } from './backup-downloads.repository';
import { BackupObjects, type StoredBackup } from './backup-objects';
import { DownloadLimitReached, DownloadLinkExpired, DownloadLinkInvalid } from './backups.errors';
import { BackupsRepository } from './backups.repository';
import { BackupsService, storedBackup } from './backups.service';

const SECRET_NAME = 'backup_download_signing';

export interface DownloadQuota {
  limit: number;
  used: number;
  resetsAt: Date;
}

/** Links by which administrators of a graph fetch its backups, decrypted. A link is good for as long as their right is. */
@Injectable()
export class BackupDownloadsService {
  constructor(
    private readonly service: BackupsService,
    private readonly backups: BackupsRepository,
    private readonly downloads: BackupDownloadsRepository,
    private readonly objects: BackupObjects,
    private readonly access: AccessService,
    private readonly secrets: PlatformSecrets,
    private readonly tiers: TierTable,
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** A link for a backup, as a path. Throws `BackupNotFound`, `BackupNotCompleted`, {@link DownloadLimitReached}. */
  async giveOut(
    actor: Actor,
    graph: Pick<GraphAccess, 'id' | 'orgId' | 'tier'>,
    backupId: string,
    seconds: number,
  ): Promise<{ path: string; expiresAt: Date }> {
    const { id, orgId } = storedBackup(await this.service.get(graph.id, backupId));
    const createdAt = this.clock.now();
    const link: BackupDownload = {
      id: this.ids.uuid(),
      backupId: id,
      graphId: graph.id,
      userId: actor.userId,
      apiKeyId: actor.apiKeyId,
      createdAt,
      expiresAt: new Date(createdAt.getTime() + seconds * 1_000),
    };
    await this.transactor.run(async (em) => {
      // Two at once take turns, so that neither passes the limit beside the other.
      await this.backups.takeTurn(em, graph.id);
      const { limit, used, resetsAt } = await this.quota(graph, em);
      if (used >= limit) {
        const wait = Math.ceil((resetsAt.getTime() - createdAt.getTime()) / 1_000);
        throw new DownloadLimitReached(limit, resetsAt, wait);
      }
      await this.downloads.insert(em, link);
      const details = { graph_id: graph.id, download_id: link.id, expires_at: link.expiresAt.toISOString() };
      await this.audit.record(em, { actor, action: 'backup.download_link_created', target: id, orgId, details });
    });
    const signature = await this.signatureOf(link.id);
    return { path: `/v1/backup-downloads/${link.id}?signature=${signature}`, expiresAt: link.expiresAt };
  }

  /** What the tier of a graph allows in this month, and what of it is used. */
  async quota({ id, tier }: Pick<GraphAccess, 'id' | 'tier'>, em?: EntityManager): Promise<DownloadQuota> {
    const now = this.clock.now();
    const monthStart = (ahead: number): Date => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    const used = await this.downloads.countSince(id, monthStart(0), em);
    return { limit: this.tiers.of(tier).backup_downloads_per_month, used, resetsAt: monthStart(1) };
  }

  /**
   * The backup that a link is for, if whoever asked for it may still have it: as an administrator of its graph now. Throws
   * {@link DownloadLinkInvalid}, {@link DownloadLinkExpired}, `GraphSuspended`, `BackupNotFound`.
   */
  async follow(
    downloadId: string,
    signature: unknown,
    visitor: { requestId: string; ip: string },
  ): Promise<StoredBackup & { graphId: string; download: BackupDownload }> {
    if (!UUID.test(downloadId) || !sameSignature(signature, await this.signatureOf(downloadId)))
      throw new DownloadLinkInvalid();
    const download = await this.downloads.findUsable(downloadId);
    if (download === null || download.expiresAt <= this.clock.now()) throw new DownloadLinkExpired();
    const { userId, apiKeyId, graphId, backupId } = download;
    const actor: Actor = { userId, apiKeyId, sessionId: null, scopes: ['admin'], graphIds: null, ...visitor };
    const entry = { actor, target: backupId, details: { graph_id: graphId, download_id: downloadId } };
    try {
      await this.access.require(actor, graphId, 'admin');
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      await this.audit.record(this.transactor.em, { ...entry, action: 'backup.download_refused', outcome: 'failure' });
      // That one says what to do about it, and the link may be good again.
      throw error instanceof GraphSuspended ? error : new DownloadLinkExpired();
    }
    const backup = storedBackup(await this.backups.find(graphId, backupId));
    await this.audit.record(this.transactor.em, { ...entry, action: 'backup.downloaded', orgId: backup.orgId });
    return { ...backup, graphId, download };
  }

  /** The archive, or a part of it, decrypted; begun, so that what cannot be read at all is refused before the answer. */
  async open(backup: StoredBackup, range: Required<ByteRange> | null): Promise<AsyncIterable<Buffer>> {
    const part = range === null ? this.objects.read(backup) : this.objects.readPart(backup, range);
    const first = await part.next();
    return (async function* () {
      try {
        if (!first.done) yield first.value;
        yield* part;
      } finally {
        await part.return(undefined);
      }
    })();
  }

  private async signatureOf(downloadId: string): Promise<string> {
    return signatureOf(await this.secrets.of(SECRET_NAME), 'GET', downloadId);
  }
}
