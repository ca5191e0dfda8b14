import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { untilClosed } from '../common/closed-signal';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { StartsOperation } from '../operations/starts-operation';
import { CypherQueryDto, ResultDownloadDto, type ResultFormat, ResultPageDto } from './dto/cypher-query.dto';
import { type StartedQueryDto, toStartedQueryDto } from './dto/started-query.dto';
import { timeoutNotices } from './notices';
import { QueriesService } from './queries.service';
import { ExecuteQuery } from './query-results.operations';
import { QueryResultsService } from './query-results.service';

const CONTENT_TYPES: Record<ResultFormat, string> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
  arrow: 'application/vnd.apache.arrow.stream',
  parquet: 'application/vnd.apache.parquet',
};

@ApiTags('query')
@Controller('v1/graphs/:graph_id/queries')
export class QueryResultsController {
  constructor(
    private readonly results: QueryResultsService,
    private readonly queries: QueriesService,
  ) {}

  @Post()
  @StartsOperation(ExecuteQuery)
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'Run a Cypher statement as an operation and keep its whole result for a while' })
  async start(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Body() body: CypherQueryDto,
  ): Promise<StartedQueryDto> {
    const notices = timeoutNotices(this.queries.timeoutFor(graph, body));
    return toStartedQueryDto(await this.results.request(actor, graph, body), notices);
  }

  @Get(':operation_id/result')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'A page of the result of such a query, in the order in which it was given' })
  async page(
    @Param('graph_id') graphId: string,
    @Param('operation_id') operationId: string,
    @Query() { offset, limit }: ResultPageDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const page = await this.results.page(graphId, operationId, { offset, limit });
    await reply.type('application/json').send(page);
  }

  @Get(':operation_id/download')
  @Requires('graph:viewer')
  @ApiOperation({
    summary: 'The whole result of such a query: NDJSON with a row on each line, CSV, an Arrow stream, or Parquet',
  })
  async download(
    @Param('graph_id') graphId: string,
    @Param('operation_id') operationId: string,
    @Query() { format }: ResultDownloadDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const body = await this.results.download(graphId, operationId, format, untilClosed(reply));
    await reply
      .type(CONTENT_TYPES[format])
      .header('content-disposition', `attachment; filename="${operationId}.${format}"`)
      .send(body);
  }
}
