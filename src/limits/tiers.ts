/** Tiers of the wire contract, smallest first. A graph is of one tier from its creation on. */
export const TIERS = ['ladybug-standard', 'ladybug-large', 'ladybug-xlarge'] as const;
export type Tier = (typeof TIERS)[number];

/**
 * What a graph of one tier may use. Every figure is enforced where it is named, and shown as it is enforced. The names
 * are those of the setting TIER_LIMITS.
 */
export interface TierLimits {
  /** Graphs of this tier in the whole installation, subgraphs not counted; others wait in line for a place. */
  slots: number;
  /** Of an organisation, by the largest tier among its graphs; over all processes. */
  requests_per_minute: number;
  /** Longest time that a query may take, waiting included. */
  query_timeout_seconds: number;
  /** Rows of one JSON answer; longer results are cut and say so, and can be streamed. */
  query_rows: number;
  /** Rows of one result that is kept; longer results are cut and say so. */
  kept_rows: number;
  /** Rows of one chunk of a stream, where the request does not say. */
  chunk_rows: number;
  /** Queries of one graph that run at once, in one process; others wait in line. */
  concurrent_queries: number;
  /** Queries of one graph that may wait in line, in one process. */
  waiting_queries: number;
  /** Data and staged files of one graph. */
  storage_gb: number;
  /** Storage of a graph with its subgraphs that costs no credits; each GB above it costs one a day. */
  included_storage_gb: number;
  /** Credits of a graph with its subgraphs in a calendar month (UTC); what is left of them ends with the month. */
  monthly_credits: number;
  max_file_mb: number;
  files_per_graph: number;
  materializations_per_day: number;
  /** Rows of all node tables together. */
  nodes: number;
  /** Rows of all relationship tables together. */
  relationships: number;
  rows_per_table: number;
  max_subgraphs: number;
  backup_gb: number;
  backup_retention_days: number;
  backups_per_day: number;
  /** Links to download backups of one graph, in a calendar month (UTC). */
  backup_downloads_per_month: number;
}

export const DISPLAY_NAMES: Record<Tier, { name: string; description: string }> = {
  'ladybug-standard': { name: 'Standard', description: 'For most graphs' },
  'ladybug-large': { name: 'Large', description: 'For tens of millions of nodes and many readers' },
  'ladybug-xlarge': { name: 'Extra large', description: 'For hundreds of millions of nodes' },
};

/** The table that an installation starts from; the setting TIER_LIMITS changes single figures of it. */
export const DEFAULT_LIMITS: Record<Tier, TierLimits> = {
  'ladybug-standard': {
    slots: 100_000,
    requests_per_minute: 300_000,
    query_timeout_seconds: 60,
    query_rows: 10_000,
    kept_rows: 10_000_000,
    chunk_rows: 2_000,
    concurrent_queries: 32,
    waiting_queries: 1_000,
    storage_gb: 10,
    included_storage_gb: 10,
    monthly_credits: 8_000,
    max_file_mb: 1_024,
    files_per_graph: 10_000,
    materializations_per_day: 2_000,
    nodes: 5_000_000,
    relationships: 10_000_000,
    rows_per_table: 5_000_000,
    max_subgraphs: 3,
    backup_gb: 10,
    backup_retention_days: 7,
    backups_per_day: 10,
    backup_downloads_per_month: 30,
  },
  'ladybug-large': {
    slots: 100_000,
    requests_per_minute: 750_000,
    query_timeout_seconds: 120,
    query_rows: 25_000,
    kept_rows: 50_000_000,
    chunk_rows: 2_000,
    concurrent_queries: 64,
    waiting_queries: 2_000,
    storage_gb: 50,
    included_storage_gb: 50,
    monthly_credits: 32_000,
    max_file_mb: 5_120,
    files_per_graph: 50_000,
    materializations_per_day: 5_000,
    nodes: 50_000_000,
    relationships: 100_000_000,
    rows_per_table: 25_000_000,
    max_subgraphs: 10,
    backup_gb: 50,
    backup_retention_days: 30,
    backups_per_day: 50,
    backup_downloads_per_month: 100,
  },
  'ladybug-xlarge': {
    slots: 100_000,
    requests_per_minute: 1_500_000,
    query_timeout_seconds: 300,
    query_rows: 50_000,
    kept_rows: 100_000_000,
    chunk_rows: 2_000,
    concurrent_queries: 128,
    waiting_queries: 4_000,
    storage_gb: 100,
    included_storage_gb: 100,
    monthly_credits: 100_000,
    max_file_mb: 10_240,
    files_per_graph: 100_000,
    materializations_per_day: 10_000,
    nodes: 200_000_000,
    relationships: 500_000_000,
    rows_per_table: 100_000_000,
    max_subgraphs: 25,
    backup_gb: 100,
    backup_retention_days: 90,
    backups_per_day: 200,
    backup_downloads_per_month: 300,
  },
};
