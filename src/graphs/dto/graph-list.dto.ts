import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { GRAPH_ID } from '../../common/ids';

/** Which graphs to list. */
export class GraphListQuery {
  /** Graphs in one answer; without it the answer has all. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit?: number;

  /** `nextCursor` of the page before. */
  @IsOptional()
  @Matches(GRAPH_ID, { message: 'cursor must be the nextCursor of the page before' })
  cursor?: string;
}
