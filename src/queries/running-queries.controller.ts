import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { OPERATION_ID } from '../common/ids';
import { isTerminal } from '../operations/operation-transitions';
import { QueriesConfig } from './queries.config';
import { QueryBoard, type ListedQuery } from './query-board';
import { QueryResultsService } from './query-results.service';
import { QueryStats, SLOW_KEPT } from './query-stats';
import { toSlowDto } from './slow-query.dto';

class SlowQueriesQuery {
  @ApiPropertyOptional({ minimum: 1, maximum: SLOW_KEPT, default: SLOW_KEPT })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(SLOW_KEPT)
  limit?: number;
}

class QueriesResponse {
  @ApiProperty()
  graph_id: string;

  @ApiProperty({ type: 'array', items: { type: 'object' } })
  queries: object[];
}

class SlowQueriesResponse extends QueriesResponse {
  @ApiProperty({ description: 'from so many milliseconds on a query is slow' })
  threshold_ms: number;
}

class KilledQueryResponse {
  @ApiProperty()
  query_id: string;

  @ApiProperty({ description: 'ended; requested where another process runs it, or it is an operation that stops now' })
  status: string;
}

@ApiTags('query')
@Controller('v1/graphs/:graph_id/queries')
export class RunningQueriesController {
  constructor(
    private readonly board: QueryBoard,
    private readonly stats: QueryStats,
    private readonly results: QueryResultsService,
    private readonly config: QueriesConfig,
  ) {}

  @Get('running')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'What runs on the graph now, oldest first; of other processes what took a second or more' })
  async running(@CurrentGraph() graph: GraphAccess): Promise<QueriesResponse> {
    return { graph_id: graph.id, queries: (await this.board.list(graph.id)).map(toRunningDto) };
  }

  @Get('slow')
  @Requires('graph:viewer')
  @ApiOperation({ summary: `The latest ${SLOW_KEPT} slow queries, without the values of their parameters` })
  async slow(@CurrentGraph() graph: GraphAccess, @Query() { limit }: SlowQueriesQuery): Promise<SlowQueriesResponse> {
    const queries = await this.stats.slowest(graph.id, limit ?? SLOW_KEPT);
    return { graph_id: graph.id, threshold_ms: this.config.slowMs, queries: queries.map(toSlowDto) };
  }

  @Delete(':query_id')
  @Requires('graph:viewer')
  @ApiOperation({
    summary: 'End a running query, or one that runs as an operation: your own, or any as an admin of the graph',
  })
  async kill(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('query_id') queryId: string,
  ): Promise<KilledQueryResponse> {
    if (OPERATION_ID.test(queryId)) {
      const { status } = await this.results.cancel(actor, graph, queryId);
      return { query_id: queryId, status: isTerminal(status) ? 'ended' : 'requested' };
    }
    const { here } = await this.board.kill(actor, graph, queryId);
    return { query_id: queryId, status: here ? 'ended' : 'requested' };
  }
}

function toRunningDto({ id, statement, userId, startedAt, elapsedMs, rows }: ListedQuery): object {
  return {
    query_id: id,
    statement,
    user_id: userId,
    started_at: startedAt.toISOString(),
    elapsed_ms: Math.round(elapsedMs),
    rows_so_far: rows,
  };
}
