import { ApiProperty } from '@nestjs/swagger';
import type { CreditPool } from '../../billing/credits';
import type { GraphAccess } from '../../auth/access';
import { BYTES_PER_GB, type GraphStorage } from '../../limits/storage-usage';
import type { TierLimits } from '../../limits/tiers';
import { FILE_FORMATS } from '../../staging/content-types';
import { MaterializeGraph } from '../../materialization/materialization.operations';
import { BYTES_PER_MB } from '../../common/units';

const MINUTES_PER_HOUR = 60;
/** Share of the storage from which on a graph is told so. */
const APPROACHING = 0.8;
export const COPY_TIMEOUT_SECONDS = MaterializeGraph.policy.timeoutMs / 1_000;

export class GraphLimitsResponse {
  @ApiProperty()
  graph_id: string;

  @ApiProperty()
  subscription_tier: string;

  @ApiProperty()
  graph_tier: string;

  @ApiProperty()
  is_shared_repository: boolean;

  @ApiProperty({ description: 'of this graph: its data and its staged files' })
  storage: object;

  @ApiProperty({ description: 'concurrent_queries: that run at once; waiting_queries: in line behind them' })
  queries: object;

  @ApiProperty({ description: 'materializations and the files that they load' })
  copy_operations: object;

  @ApiProperty()
  backups: object;

  @ApiProperty({ description: 'of the organisation, over all its graphs and members' })
  rate_limits: object;

  @ApiProperty({ description: 'of the graph with its subgraphs' })
  credits: object;

  @ApiProperty({ description: 'of one materialization' })
  content: object;

  @ApiProperty({ description: 'storage with all subgraphs' })
  instance: object;
}

/** The limits of a graph in the words of the wire contract; `storage` is of the graph and then its subgraphs. */
export function toGraphLimits(
  graph: GraphAccess,
  limits: TierLimits,
  { storage, credits }: { storage: GraphStorage[]; credits: CreditPool },
): GraphLimitsResponse {
  const ownGb = storage.length === 0 ? 0 : gb(bytesOf(storage[0]));
  const totalGb = gb(storage.reduce((sum, one) => sum + bytesOf(one), 0));
  return {
    graph_id: graph.id,
    subscription_tier: graph.tier,
    graph_tier: graph.tier,
    is_shared_repository: false,
    storage: {
      current_usage_gb: ownGb,
      max_storage_gb: limits.storage_gb,
      included_storage_gb: limits.included_storage_gb,
      approaching_limit: ownGb >= limits.storage_gb * APPROACHING,
    },
    queries: {
      max_timeout_seconds: limits.query_timeout_seconds,
      chunk_size: limits.chunk_rows,
      max_rows_per_query: limits.query_rows,
      max_rows_per_kept_result: limits.kept_rows,
      concurrent_queries: limits.concurrent_queries,
      waiting_queries: limits.waiting_queries,
    },
    copy_operations: {
      max_file_size_gb: limits.max_file_mb / 1024,
      timeout_seconds: COPY_TIMEOUT_SECONDS,
      // An operation that changes a graph locks it.
      concurrent_operations: 1,
      max_files_per_operation: limits.files_per_graph,
      daily_copy_operations: limits.materializations_per_day,
      supported_formats: [...FILE_FORMATS],
    },
    backups: {
      max_backup_size_gb: limits.backup_gb,
      backup_retention_days: limits.backup_retention_days,
      max_backups_per_day: limits.backups_per_day,
      max_backup_downloads_per_month: limits.backup_downloads_per_month,
    },
    rate_limits: {
      requests_per_minute: limits.requests_per_minute,
      requests_per_hour: limits.requests_per_minute * MINUTES_PER_HOUR,
      // A minute's requests may come all at once.
      burst_capacity: limits.requests_per_minute,
    },
    credits: { monthly_ai_credits: credits.monthlyAllocation, current_balance: credits.balance },
    content: {
      max_nodes: limits.nodes,
      max_relationships: limits.relationships,
      max_rows_per_copy: limits.nodes + limits.relationships,
      max_single_table_rows: limits.rows_per_table,
      chunk_size_rows: limits.rows_per_table,
    },
    instance: {
      limit_gb: limits.storage_gb,
      total_storage_gb: totalGb,
      usage_percentage: (ownGb / limits.storage_gb) * 100,
      status: statusOf(ownGb / limits.storage_gb),
      node_count: 1,
      databases: storage.map((one) => ({
        graph_id: one.graphId,
        is_parent: one.parentId === null,
        size_mb: bytesOf(one) / BYTES_PER_MB,
      })),
    },
  };
}

function statusOf(share: number): string {
  if (share >= 1) return 'over_limit';
  return share >= APPROACHING ? 'approaching_limit' : 'healthy';
}

function bytesOf({ dataBytes, stagedBytes }: GraphStorage): number {
  return dataBytes + stagedBytes;
}

function gb(bytes: number): number {
  return bytes / BYTES_PER_GB;
}
