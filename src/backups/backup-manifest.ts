import type { GraphSchema } from '../schemas/graph-schema';
import type { BackupFormat } from './backup.entity';

/** Raised when an older reader could not use a newer backup. */
export const MANIFEST_VERSION = 1;

export interface ArchivedFile {
  name: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** The file of one table in an export. */
export interface ExportedTable {
  table: string;
  kind: 'node' | 'relationship';
  /** Its name in the archive. */
  file: string;
  rows: number;
  /** With the graph's names of their types. */
  columns: { name: string; type: string }[];
}

/** What a backup holds, as JSON beside its bytes. */
export interface BackupManifest {
  manifest_version: number;
  backup_id: string;
  graph_id: string;
  org_id: string;
  /** The parent graph of a subgraph. */
  parent_graph_id: string | null;
  format: BackupFormat;
  created_at: string;
  engine: string;
  engine_version: string;
  storage_version: number | null;
  /** The generation that it is a copy of, and what that was made from. */
  generation: number;
  /** Number of the last event that the platform had noted. */
  event_sequence: number;
  schema: GraphSchema;
  nodes: Record<string, number>;
  relationships: Record<string, number>;
  staging: {
    files: { file_id: string; file_name: string; table_name: string; row_count: number | null }[];
    /** Of all that the generation holds, also of those that were removed since. */
    held: string[];
    other_rows: boolean;
    behind: string | null;
  };
  /** Of exports. */
  tables?: ExportedTable[];
  /** The archive, before it is compressed. */
  content: { archive: 'tar'; bytes: number; sha256: string; files: ArchivedFile[] };
  stored: {
    bytes: number;
    compression: 'zstd';
    encryption: 'AES-256-GCM';
    frame_bytes: number;
    /** Where every so many frames one begins in the stored bytes; absent in manifests from before it was noted. */
    seek?: { every: number; starts: number[] };
  };
}

/** What is known before the bytes are read; goes into the archive itself. */
export type ManifestHead = Omit<BackupManifest, 'content' | 'stored'>;

export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Whether two sets of counts say the same, tables without rows included. */
export function sameCounts(a: Record<string, number>, b: Record<string, number>): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}
