import type { Backup } from '../backup.entity';
import { type BackupStats, countsIn } from '../backups.repository';
import { whyNotRestorable } from '../restorable';

export interface BackupResponse {
  backup_id: string;
  graph_id: string;
  backup_format: string;
  backup_type: string;
  /** Why it was made: manual, scheduled, or system (before something that replaces data). */
  kind: string;
  status: string;
  original_size_bytes: number;
  compressed_size_bytes: number;
  /** Original by compressed bytes; 0 until it is completed. */
  compression_ratio: number;
  node_count: number;
  relationship_count: number;
  backup_duration_seconds: number;
  encryption_enabled: boolean;
  compression_enabled: boolean;
  allow_export: boolean;
  /** Whether it can come back as a graph. */
  restorable: boolean;
  labels: string[];
  generation: number | null;
  operation_id: string | null;
  /** The schedule that asked for it. */
  schedule_id: string | null;
  retention_days: number;
  created_at: string;
  completed_at: string | null;
  expires_at: string;
  /** When it was last read back, opened and counted. */
  verified_at: string | null;
  /** Why it failed, or what its last verification found. */
  error: object | null;
}

export function toBackupDto(backup: Backup): BackupResponse {
  const { nodes, relationships } = countsIn(backup.manifest);
  const { startedAt, completedAt, originalBytes, storedBytes } = backup;
  const completed = backup.status === 'completed';
  return {
    backup_id: backup.id,
    graph_id: backup.graphId,
    backup_format: backup.format,
    backup_type: 'full',
    kind: backup.kind,
    status: backup.status,
    original_size_bytes: originalBytes,
    compressed_size_bytes: storedBytes,
    compression_ratio: storedBytes === 0 ? 0 : originalBytes / storedBytes,
    node_count: nodes,
    relationship_count: relationships,
    backup_duration_seconds: startedAt && completedAt ? (completedAt.getTime() - startedAt.getTime()) / 1_000 : 0,
    encryption_enabled: true,
    compression_enabled: true,
    allow_export: completed,
    restorable: backup.manifest !== null && whyNotRestorable(backup.manifest) === null && backup.error === null,
    labels: backup.labels,
    generation: backup.generation,
    operation_id: backup.operationId,
    schedule_id: backup.scheduleId,
    retention_days: backup.retentionDays,
    created_at: backup.createdAt.toISOString(),
    completed_at: completedAt?.toISOString() ?? null,
    expires_at: backup.expiresAt.toISOString(),
    verified_at: backup.verifiedAt?.toISOString() ?? null,
    error: backup.error,
  };
}

/** One backup with what it holds. */
export function toBackupDetailDto(backup: Backup): object {
  const { manifest } = backup;
  return {
    ...toBackupDto(backup),
    node_counts: manifest?.nodes ?? {},
    relationship_counts: manifest?.relationships ?? {},
    engine: manifest === null ? null : `${manifest.engine} ${manifest.engine_version}`,
    storage_version: manifest?.storage_version ?? null,
    schema: manifest?.schema ?? null,
    // Of an export: the files in it, with their columns and rows.
    tables: manifest?.tables ?? null,
    staging_files: manifest?.staging.files ?? [],
    content_sha256: manifest?.content.sha256 ?? null,
    event_sequence: manifest?.event_sequence ?? null,
    parent_graph_id: manifest?.parent_graph_id ?? null,
  };
}

export function toBackupStatsDto(graphId: string, stats: BackupStats): object {
  const ended = stats.completed + stats.failed;
  return {
    graph_id: graphId,
    total_backups: stats.total,
    successful_backups: stats.completed,
    failed_backups: stats.failed,
    // In percent of those that have ended.
    success_rate: ended === 0 ? 0 : (stats.completed / ended) * 100,
    total_original_size_bytes: stats.originalBytes,
    total_compressed_size_bytes: stats.storedBytes,
    storage_saved_bytes: Math.max(0, stats.originalBytes - stats.storedBytes),
    average_compression_ratio: stats.averageRatio,
    latest_backup_date: stats.latest?.toISOString() ?? null,
    backup_formats: stats.formats,
  };
}
