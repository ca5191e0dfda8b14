import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { Clock } from '../common/clock';
import { untilClosed } from '../common/closed-signal';
import { Ids } from '../common/ids';
import { toGraphConditionDto } from '../graphs/dto/graph.dto';
import { GraphsService } from '../graphs/graphs.service';
import { TierTable } from '../limits/tier-table';
import { NotRepeatable } from '../idempotency/not-repeatable';
import { CypherQueryDto, QueryOptionsDto } from './dto/cypher-query.dto';
import { toStartedQueryDto } from './dto/started-query.dto';
import { arrowOf } from './arrow-answers';
import { csvOf } from './csv-answers';
import { jsonAnswer } from './query-answers';
import { rowsOf } from './row-batches';
import { QueryResultsService } from './query-results.service';
import { ndjsonAnswer, sseAnswer } from './stream-answers';
import { asksForPlan, explained, withPlan } from './explained';
import { QueriesConfig } from './queries.config';
import { QueriesService } from './queries.service';
import { QueryStats } from './query-stats';

const NDJSON = 'application/x-ndjson';
const ARROW = 'application/vnd.apache.arrow.stream';
const BYTES_PER_MB = 1_048_576;

@ApiTags('query')
@Controller('v1/graphs/:graph_id')
export class QueriesController {
  constructor(
    private readonly queries: QueriesService,
    private readonly graphs: GraphsService,
    private readonly results: QueryResultsService,
    private readonly stats: QueryStats,
    private readonly config: QueriesConfig,
    private readonly tiers: TierTable,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  @Post('query')
  @NotRepeatable('Queries change nothing, and their answers are streamed')
  @HttpCode(200)
  @Requires('graph:viewer')
  @ApiOperation({
    summary:
      'Run a Cypher statement: one JSON answer; with mode=stream or by Accept NDJSON or server-sent events; CSV or Arrow by Accept; with mode=async an operation',
  })
  async query(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Query() options: QueryOptionsDto,
    @Body() body: CypherQueryDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (options.mode === 'async') {
      return reply.status(202).send(toStartedQueryDto(await this.results.request(actor, graph, body)));
    }
    const id = this.ids.query();
    void reply.header('x-query-id', id);
    const statement = options.explain === 'true' ? explained(body.query) : body.query;
    const origin = { id, graph, userId: actor.userId, statement, signal: untilClosed(reply) };
    const parameters = body.parameters ?? {};
    const limits = this.tiers.of(graph.tier);
    const timeout = this.queries.timeoutFor(graph, body);
    const timeoutMs = timeout.seconds * 1_000;
    if (timeout.capped) void reply.header('x-timeout-capped', timeout.seconds);
    const format = formatOf(options.mode, request.headers.accept);
    if (format !== 'json') {
      const chunkRows = options.chunk_size ?? limits.chunk_rows;
      const stream = await this.queries.run(origin, { parameters, timeoutMs, batchRows: chunkRows });
      const answer = { chunkRows, requestId: request.id, clock: this.clock };
      void reply.headers({ 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' });
      if (format === 'csv') return reply.type('text/csv; charset=utf-8').send(csvOf(stream.columns, rowsOf(stream)));
      if (format === 'arrow') return reply.type(ARROW).send(arrowOf(stream.columns, rowsOf(stream)));
      void reply.header('x-stream-format', format);
      if (format === 'sse') return reply.type('text/event-stream; charset=utf-8').send(sseAnswer(stream, answer));
      return reply.type(NDJSON).send(ndjsonAnswer(stream, answer));
    }
    const stream = await this.queries.run(origin, { parameters, timeoutMs, maxRows: limits.query_rows });
    const answer = await jsonAnswer(stream, {
      graphId: graph.id,
      maxBytes: this.config.jsonMaxMb * BYTES_PER_MB,
      now: this.clock.now(),
    });
    const planned = asksForPlan(statement) ? withPlan(answer, (text) => this.queries.readPlan(text)) : answer;
    await reply.type('application/json').send(planned);
  }

  @Get('health')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'Whether queries are answered, and how it went in the last 24 hours' })
  async health(@Param('graph_id') graphId: string): Promise<object> {
    const [graph, host, live, day] = await Promise.all([
      this.graphs.get(graphId),
      this.graphs.hostStatus(graphId),
      this.graphs.liveGeneration(graphId),
      this.stats.lastDay(graphId),
    ]);
    return {
      graph_id: graphId,
      ...toGraphConditionDto(graph, host),
      uptime_seconds: host?.uptimeSeconds ?? 0,
      query_count_24h: day.queries,
      avg_query_time_ms: day.averageMs,
      error_rate_24h: day.errorRate,
      last_query_time: day.lastQueryAt?.toISOString() ?? null,
      memory_usage_mb: host?.memoryBytes == null ? null : host.memoryBytes / BYTES_PER_MB,
      storage_usage_mb: (live?.manifest?.bytes ?? 0) / BYTES_PER_MB,
      alerts: graph.staleReason === null ? [] : [`The graph does not hold what is staged: ${graph.staleReason}`],
    };
  }
}

/** `Accept` chooses the form; mode=stream without such a wish means NDJSON, mode=sync one JSON document, CSV or Arrow. */
function formatOf(mode: QueryOptionsDto['mode'], accept = ''): 'json' | 'ndjson' | 'sse' | 'csv' | 'arrow' {
  if (accept.includes(ARROW)) return 'arrow';
  if (mode !== 'sync' && accept.includes('text/event-stream')) return 'sse';
  if (mode !== 'sync' && accept.includes(NDJSON)) return 'ndjson';
  if (accept.includes('text/csv')) return 'csv';
  return mode === 'stream' ? 'ndjson' : 'json';
}
