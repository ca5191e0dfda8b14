import type { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { QueryStream } from '../engine/graph-engine';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { RoleRequired } from '../auth/auth.errors';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { assertNever } from '../common/assert-never';
import { Clock } from '../common/clock';
import { untilClosed } from '../common/closed-signal';
import { Ids } from '../common/ids';
import { BYTES_PER_MB } from '../common/units';
import { toGraphConditionDto } from '../graphs/dto/graph.dto';
import { GraphsService } from '../graphs/graphs.service';
import { TierTable } from '../limits/tier-table';
import { NotRepeatable } from '../idempotency/not-repeatable';
import { CypherQueryDto, QueryOptionsDto } from './dto/cypher-query.dto';
import { type StartedQueryDto, toStartedQueryDto } from './dto/started-query.dto';
import { arrowOf } from './arrow-answers';
import { csvOf } from './csv-answers';
import { jsonAnswer } from './query-answers';
import { ParquetAnswers } from './parquet-answers';
import { rowsOf } from './row-batches';
import { QueryResultsService } from './query-results.service';
import { ndjsonAnswer, sseAnswer, type StreamAnswer } from './stream-answers';
import { asksForPlan, explained, withPlan } from './explained';
import { QueriesConfig } from './queries.config';
import { NoPlaceYet } from './queries.errors';
import { timeoutNotices } from './notices';
import { type QueryOptions, QueriesService } from './queries.service';
import { QueryStats } from './query-stats';

type StreamFormat = Exclude<AnswerFormat, 'json' | 'parquet'>;
type AnswerFormat = 'json' | 'ndjson' | 'sse' | 'csv' | 'arrow' | 'parquet';

const NDJSON = 'application/x-ndjson';
const ARROW = 'application/vnd.apache.arrow.stream';
const PARQUET = 'application/vnd.apache.parquet';
const CONTENT_TYPES: Record<StreamFormat, string> = {
  ndjson: NDJSON,
  sse: 'text/event-stream; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  arrow: ARROW,
};

@ApiTags('query')
@Controller('v1/graphs/:graph_id')
export class QueriesController {
  constructor(
    private readonly queries: QueriesService,
    private readonly graphs: GraphsService,
    private readonly results: QueryResultsService,
    private readonly stats: QueryStats,
    private readonly parquet: ParquetAnswers,
    private readonly config: QueriesConfig,
    private readonly tiers: TierTable,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  @Post('query')
  @NotRepeatable('Queries change nothing, and their answers are streamed; with mode=async the key is heeded', isAsync)
  @HttpCode(200)
  @Requires('graph:reader')
  @ApiOperation({
    summary:
      'Run a Cypher statement: one JSON answer; with mode=stream or by Accept NDJSON or server-sent events; CSV, Arrow or Parquet by Accept; with mode=async an operation',
  })
  async query(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Query() options: QueryOptionsDto,
    @Body() body: CypherQueryDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer | Readable | StartedQueryDto> {
    const timeout = this.queries.timeoutFor(graph, body);
    const notices = timeoutNotices(timeout);
    if (timeout.capped) void reply.header('x-timeout-capped', timeout.seconds);
    const onlyReads = graph.role === 'reader';
    if (options.mode === 'async') {
      // All who work on a graph see its operations; who subscribes to it does not.
      if (onlyReads) throw new RoleRequired('graph', 'viewer', graph.role);
      void reply.status(202);
      return toStartedQueryDto(await this.results.request(actor, graph, body), notices);
    }
    const id = this.ids.query();
    void reply.header('x-query-id', id);
    const statement = options.explain === 'true' ? explained(body.query) : body.query;
    const origin = { id, graph, userId: actor.userId, statement, signal: untilClosed(reply) };
    const limits = this.tiers.of(graph.tier);
    const running: QueryOptions = { parameters: body.parameters ?? {}, timeoutMs: timeout.seconds * 1_000 };
    const format = formatOf(options.mode, request.headers.accept);
    if (format === 'parquet') {
      const stream = await this.queries.run(origin, { ...running, format: 'ndjson', toFile: true });
      const file = await this.parquet.ofStream(stream, origin.signal);
      void reply.type(PARQUET);
      return file;
    }
    if (format !== 'json') {
      const chunkRows = options.chunk_size ?? limits.chunk_rows;
      const stream = await this.queries.run(origin, { ...running, batchRows: chunkRows });
      const answer = { chunkRows, requestId: request.id, clock: this.clock, notices };
      return this.streamed(format, stream, answer, reply);
    }
    const plan = asksForPlan(statement);
    // Who brings a key may send the request again, and an operation would begin twice.
    const mayBecomeOperation =
      options.mode !== 'sync' && !plan && !onlyReads && request.headers['idempotency-key'] === undefined;
    const patienceMs = mayBecomeOperation ? this.config.autoWaitSeconds * 1_000 : undefined;
    try {
      const stream = await this.queries.run(origin, { ...running, maxRows: limits.query_rows, patienceMs });
      const maxBytes = this.config.jsonMaxMb * BYTES_PER_MB;
      const answer = await jsonAnswer(stream, { graphId: graph.id, maxBytes, now: this.clock.now(), notices });
      void reply.type('application/json');
      return plan ? withPlan(answer, (text) => this.queries.readPlan(text)) : answer;
    } catch (error) {
      if (!(error instanceof NoPlaceYet)) throw error;
      const operation = await this.results.requestInstead(actor, graph, body, error.refusal);
      void reply.status(202).header('x-query-id', operation.id);
      return toStartedQueryDto(operation, notices);
    }
  }

  private streamed(format: StreamFormat, stream: QueryStream, answer: StreamAnswer, reply: FastifyReply): Readable {
    void reply.headers({ 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' });
    void reply.type(CONTENT_TYPES[format]);
    switch (format) {
      case 'csv':
        return csvOf(stream.columns, rowsOf(stream));
      case 'arrow':
        return arrowOf(stream.columns, rowsOf(stream));
      case 'sse':
        void reply.header('x-stream-format', format);
        return sseAnswer(stream, answer);
      case 'ndjson':
        void reply.header('x-stream-format', format);
        return ndjsonAnswer(stream, answer);
      default:
        return assertNever(format);
    }
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

/** `Accept` chooses the form; mode=stream without such a wish means NDJSON, mode=sync one JSON document, CSV, Arrow or Parquet. */
function formatOf(mode: QueryOptionsDto['mode'], accept = ''): AnswerFormat {
  if (accept.includes(ARROW)) return 'arrow';
  if (accept.includes(PARQUET)) return 'parquet';
  if (mode !== 'sync' && accept.includes('text/event-stream')) return 'sse';
  if (mode !== 'sync' && accept.includes(NDJSON)) return 'ndjson';
  if (accept.includes('text/csv')) return 'csv';
  return mode === 'stream' ? 'ndjson' : 'json';
}

function isAsync({ query }: FastifyRequest): boolean {
  return (query as { mode?: string }).mode === 'async';
}
