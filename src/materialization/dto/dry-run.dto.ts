import { ApiProperty } from '@nestjs/swagger';
import type { Generation, Graph } from '../../graphs/graph.entity';
import type { ContentTooLarge } from '../../limits/limits.errors';
import type { TierLimits } from '../../limits/tiers';
import type { PreparedTables } from '../../staging/staging.service';
import type { StagedFile } from '../../staging/staged-file.entity';
import { NO_ROWS } from '../load-plan';
import type { MaterializationPlan } from '../materialization-plan';

export interface DryRun {
  graph: Graph;
  live: Generation | null;
  plan: MaterializationPlan;
  staged: StagedFile[];
  /** Null where nothing would be loaded. */
  checked: PreparedTables | null;
  limits: TierLimits;
  tooLarge: ContentTooLarge | null;
}

/** What a materialization would do, beside the members that the published client reads. */
export class DryRunDto {
  @ApiProperty()
  graph_id: string;
  @ApiProperty({ type: String, nullable: true, enum: [null] })
  operation_id: null;
  @ApiProperty({ enum: ['dry_run'] })
  status: 'dry_run';
  @ApiProperty()
  message: string;
  @ApiProperty({ enum: ['none', 'incremental', 'rebuild'] })
  mode: MaterializationPlan['mode'];
  @ApiProperty({ type: 'integer', nullable: true, description: 'the live one' })
  generation: number | null;
  @ApiProperty({
    type: Object,
    description: 'the rows that the tier allows, and which of these limits would be exceeded',
  })
  limit_check: object;
  @ApiProperty({ type: [Object] })
  files_added: object[];
  @ApiProperty({ type: [String], description: 'ids of files that are gone, with rows in the live data' })
  files_removed: string[];
  @ApiProperty({
    type: [Object],
    description: 'rows of each table: staged, in the graph, and what would become of them',
  })
  tables: object[];
  @ApiProperty({ type: [Object] })
  rejected_samples: object[];
}

export function toDryRunDto({ graph, live, plan, staged, checked, limits, tooLarge }: DryRun): DryRunDto {
  const counts = live?.manifest ?? NO_ROWS;
  const table = (kind: 'nodes' | 'relationships', name: string): object => {
    const found = checked?.tables.find((one) => one.table === name);
    const rows = staged.filter(({ tableName }) => tableName === name).map(({ rowCount }) => rowCount ?? 0);
    return {
      table_name: name,
      rows_staged: rows.reduce((sum, count) => sum + count, 0),
      rows_in_graph: counts[kind][name] ?? 0,
      would_load: found?.rowsLoaded ?? 0,
      would_reject: found?.rowsRejected ?? 0,
      would_replace: found?.rowsReplaced ?? 0,
      reasons: found?.reasons ?? {},
      ignored_columns: found?.ignoredColumns ?? [],
    };
  };
  const { nodes, relationships, rows_per_table } = limits;
  return {
    graph_id: graph.id,
    operation_id: null,
    status: 'dry_run',
    message: `${plan.why}. Nothing was changed`,
    mode: plan.mode,
    generation: graph.liveGeneration,
    limit_check: {
      within_limits: tooLarge === null,
      limits: { nodes, relationships, rows_per_table },
      exceeded: tooLarge?.details.exceeded ?? [],
    },
    files_added: plan.added.map((file) => ({
      file_id: file.id,
      file_name: file.fileName,
      table_name: file.tableName,
      row_count: file.rowCount,
    })),
    files_removed: plan.removed,
    tables: [
      ...graph.schema.nodes.map(({ name }) => table('nodes', name)),
      ...graph.schema.relationships.map(({ name }) => table('relationships', name)),
    ],
    rejected_samples: checked?.samples ?? [],
  };
}
