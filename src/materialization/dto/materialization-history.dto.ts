import { IsInt, IsOptional, Min } from 'class-validator';
import type { PastMaterialization } from '../materializations.repository';
import { pageOf } from '../../common/page.dto';

export class ListMaterializationsQuery extends pageOf({ limit: 100, most: 1_000 }) {}

export class RollbackDto {
  /** The generation to take back; refused where another one is live. Without it whatever is live is taken back. */
  @IsOptional()
  @IsInt()
  @Min(1)
  generation?: number | null;
}

export function toMaterializationDto(past: PastMaterialization): object {
  return {
    generation: past.generation,
    is_live: past.status === 'live',
    operation_id: past.operationId,
    mode: past.mode,
    base_generation: past.baseGeneration,
    files: past.files,
    tables: past.tables,
    rows_loaded: past.rowsLoaded,
    rows_rejected: past.rowsRejected,
    duration_seconds: (past.publishedAt.getTime() - past.startedAt.getTime()) / 1_000,
    started_at: past.startedAt.toISOString(),
    published_at: past.publishedAt.toISOString(),
    superseded_at: past.supersededAt?.toISOString() ?? null,
  };
}
