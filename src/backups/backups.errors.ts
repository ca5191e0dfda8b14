import { DomainError } from '../common/domain-error';

export class BackupNotFound extends DomainError {
  readonly code = 'backup_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no such backup of this graph');
  }
}

/** What is stored is not what was written. */
export class BackupDamaged extends DomainError {
  readonly code = 'backup_damaged';
  readonly kind = 'conflict';
  constructor(why: string) {
    super(`The backup cannot be used: ${why}. Use another one`);
  }
}

/** The data key of the organisation cannot be unwrapped with any master key that is configured. */
export class BackupKeyMissing extends DomainError {
  readonly code = 'backup_key_missing';
  readonly kind = 'unavailable';
  constructor() {
    super(
      'The backups of this organisation were encrypted under a master key that this installation does not have. ' +
        'Ask the operator to set BACKUP_MASTER_KEY, or BACKUP_OLD_MASTER_KEYS, to it',
    );
  }
}

/** It is still being made, or it failed. */
export class BackupNotCompleted extends DomainError {
  readonly code = 'backup_not_completed';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(status: string) {
    super(
      status === 'in_progress'
        ? 'The backup is still being made. Wait for its operation to complete, or cancel it'
        : 'The backup was not completed, so there is nothing to use. Make another one',
    );
    this.details = { status };
  }
}

/** Made for other programs, not for coming back. */
export class BackupNotRestorable extends DomainError {
  readonly code = 'backup_not_restorable';
  readonly kind = 'conflict';
  constructor(why: string) {
    super(`The backup cannot be restored: ${why}`);
  }
}

export class BackupStorageReached extends DomainError {
  readonly code = 'backup_storage_limit_reached';
  readonly kind = 'too_large';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(tier: string, limitGb: number, usedBytes: number) {
    super(
      `The backups of a graph of the tier ${tier} may take ${limitGb} GB, and another one would exceed it. ` +
        'Delete backups that are no longer needed, or use a larger tier',
    );
    this.details = { tier, limit_gb: limitGb, used_bytes: usedBytes };
  }
}

/** A restore that ended before it changed anything. */
export class RestoreFailed extends DomainError {
  readonly code = 'restore_failed';
  readonly kind: DomainError['kind'];
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(step: string, cause: DomainError) {
    super(`Nothing was restored and the graph is as it was; it failed at "${step}": ${cause.message}`, { cause });
    this.kind = cause.kind;
    this.details = { ...cause.details, step, cause_code: cause.code };
  }
}

export class DownloadLinkInvalid extends DomainError {
  readonly code = 'download_link_invalid';
  readonly kind = 'forbidden';
  constructor() {
    super('This link was not given out by the platform, or was changed. Ask for a new one');
  }
}

/** Its time is over, or whoever asked for it may not have the backup any more. */
export class DownloadLinkExpired extends DomainError {
  readonly code = 'download_link_expired';
  readonly kind = 'forbidden';
  constructor() {
    super('This link is not good any more. Ask for a new one');
  }
}

export class DownloadLimitReached extends DomainError {
  readonly code = 'backup_download_limit_reached';
  readonly kind = 'too_many';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(
    limit: number,
    resetsAt: Date,
    override readonly retryAfterSeconds: number,
  ) {
    super(
      `Backups of this graph may be downloaded ${limit} times in a month. Use a link that is still good, wait for the next ` +
        'month, or use a larger tier',
    );
    this.details = { limit_per_month: limit, resets_at: resetsAt.toISOString() };
  }
}

/** The part that was asked for begins behind the end. */
export class RangeNotSatisfiable extends DomainError {
  readonly code = 'range_not_satisfiable';
  readonly kind = 'range_not_satisfiable';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(bytes: number) {
    super(`The backup has ${bytes} bytes. Ask for a part that begins before its end`);
    this.details = { bytes };
  }
}

export class BackupScheduleNotFound extends DomainError {
  readonly code = 'backup_schedule_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no such schedule of this graph');
  }
}

export class TooManyBackupSchedules extends DomainError {
  readonly code = 'backup_schedule_limit_reached';
  readonly kind = 'conflict';
  constructor(most: number) {
    super(`A graph may have ${most} schedules of backups. Change or delete one of them`);
  }
}

/** It is due while its last backup is still being made. */
export class ScheduledBackupAtWork extends DomainError {
  readonly code = 'scheduled_backup_at_work';
  readonly kind = 'conflict';
  constructor() {
    super('The backup before this one was still being made, so none was begun. Have them made less often');
  }
}
