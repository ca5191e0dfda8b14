import { IsOptional, IsUUID } from 'class-validator';
import { defineOperation } from '../operations/define-operation';

export class BackupPayload {
  @IsUUID()
  backupId: string;
}

/**
 * Copies the live data of a graph into the object store. It locks nothing: what is live never changes, so loads go on
 * beside it, and the copy is of one moment.
 */
export const CreateBackup = defineOperation({
  name: 'backup_creation',
  locks: 'none',
  retryRole: 'admin',
  payload: BackupPayload,
  // The time is for hundreds of gigabytes; compressing one takes every core.
  policy: { attempts: 3, backoffMs: 2_000, timeoutMs: 7_200_000, concurrency: 1, cancellable: true, retentionDays: 30 },
});

/** Reads a backup back, opens it and counts, beside everything else. */
export const VerifyBackup = defineOperation({
  name: 'backup_verification',
  locks: 'none',
  retryRole: 'admin',
  payload: BackupPayload,
  policy: { attempts: 3, backoffMs: 2_000, timeoutMs: 7_200_000, concurrency: 1, cancellable: true, retentionDays: 30 },
});

export class RestoreBackupPayload extends BackupPayload {
  /** The backup to make first of what is live; none where nothing is replaced, or nobody wants it. */
  @IsOptional()
  @IsUUID()
  systemBackupId?: string;
}

/** Publishes what a backup holds as the next generation of its graph, or as the first one of a new graph. */
export const RestoreBackup = defineOperation({
  name: 'backup_restore',
  locks: 'graph',
  retryRole: 'admin',
  payload: RestoreBackupPayload,
  policy: { attempts: 3, backoffMs: 2_000, timeoutMs: 7_200_000, concurrency: 1, cancellable: true, retentionDays: 30 },
});
