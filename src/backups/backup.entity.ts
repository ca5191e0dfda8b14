import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ErrorBody } from '../common/problem';
import { bigint } from '../database/bigint-column';
import type { BackupManifest } from './backup-manifest';

/** `full_dump` holds the engine's files; the others are exports, with a file of rows for each table. */
export const BACKUP_FORMATS = ['full_dump', 'csv', 'json', 'parquet'] as const;
export type BackupFormat = (typeof BACKUP_FORMATS)[number];
export const BACKUP_STATUSES = ['in_progress', 'completed', 'failed'] as const;
export type BackupStatus = (typeof BACKUP_STATUSES)[number];
/** `system`: made by the platform before something that replaces data. */
export type BackupKind = 'manual' | 'scheduled' | 'system';

/** A copy of a graph at one moment, in the object store. */
@Entity('backup')
export class Backup {
  @PrimaryColumn('uuid')
  readonly id: string;

  @Column('text', { name: 'graph_id' })
  readonly graphId: string;

  @Column('uuid', { name: 'org_id' })
  readonly orgId: string;

  @Column('text')
  readonly kind: BackupKind;

  @Column('text')
  readonly format: BackupFormat;

  @Column('text')
  readonly status: BackupStatus;

  @Column('text', { array: true })
  readonly labels: string[];

  @Column('integer', { name: 'retention_days' })
  readonly retentionDays: number;

  /** The operation that makes it, or did so last. */
  @Column('text', { name: 'operation_id', nullable: true })
  readonly operationId: string | null;

  @Column('uuid', { name: 'created_by', nullable: true })
  readonly createdBy: string | null;

  /** The schedule that asked for it; null where a person did, or where it is gone. */
  @Column('uuid', { name: 'schedule_id', nullable: true })
  readonly scheduleId: string | null;

  @Column('integer', { nullable: true })
  readonly generation: number | null;

  /** Null until it is completed, like `objectKey`. */
  @Column('jsonb', { nullable: true })
  readonly manifest: BackupManifest | null;

  @Column('text', { name: 'object_key', nullable: true })
  readonly objectKey: string | null;

  @Column('bigint', { name: 'original_bytes', transformer: bigint })
  readonly originalBytes: number;

  @Column('bigint', { name: 'stored_bytes', transformer: bigint })
  readonly storedBytes: number;

  @Column('jsonb', { nullable: true })
  readonly error: ErrorBody | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'started_at', nullable: true })
  readonly startedAt: Date | null;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  readonly completedAt: Date | null;

  /** When it was last read back, opened and counted. */
  @Column('timestamptz', { name: 'verified_at', nullable: true })
  readonly verifiedAt: Date | null;

  @Column('timestamptz', { name: 'expires_at' })
  readonly expiresAt: Date;
}

export const ALL_BACKUPS = 'backups/';

/** Where the objects of a backup are. An attempt has names of its own, so that a late one overwrites nothing. */
export function objectPrefix({ graphId, id }: Pick<Backup, 'graphId' | 'id'>): string {
  return `${ALL_BACKUPS}${graphId}/${id}/`;
}

export function objectKeyOf(
  backup: Pick<Backup, 'graphId' | 'id'>,
  { operationId, attempt }: { operationId: string; attempt: number },
): string {
  return `${objectPrefix(backup)}${operationId}-${attempt}.tar.zst.sealed`;
}

/** The manifest, readable without a key: it says what there is and how to check it, and holds no rows. */
export function manifestKeyOf(objectKey: string): string {
  return objectKey.replace(/\.tar\.zst\.sealed$/, '.manifest.json');
}

/** What an object's key says; null for others. */
export function backupIn(key: string): { key: string; backupId: string; operationId: string } | null {
  const [, backupId, operationId] = /^backups\/[^/]+\/([0-9a-f-]{36})\/(op_[0-9A-Z]{26})-\d+\./.exec(key) ?? [];
  return operationId === undefined ? null : { key, backupId, operationId };
}
