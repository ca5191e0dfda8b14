import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { GraphAccess } from '../auth/access';
import { CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { ClosedSignal } from '../common/closed-signal';
import { RejectsDownloadQuery, RejectsQuery, RejectsResponse } from './dto/rejects.dto';
import { TableQueriesService } from './table-queries.service';

@ApiTags('materialization')
@Controller('v1/graphs/:graph_id/materializations/:operation_id/rejects')
export class RejectsController {
  constructor(private readonly queries: TableQueriesService) {}

  @Get()
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'The rows that a materialization refused, by table, file and row, with reason and data' })
  @ApiOkResponse({ type: RejectsResponse })
  async list(
    @CurrentGraph() graph: GraphAccess,
    @Param('operation_id') operationId: string,
    @Query() { table_name, file_id, reason, limit, offset }: RejectsQuery,
    @ClosedSignal() signal: AbortSignal,
  ): Promise<RejectsResponse> {
    const filter = { table_name, file_id, reason };
    const page = { limit, offset };
    const { columns, rows, truncated } = await this.queries.rejects(graph.id, operationId, filter, page, signal);
    return {
      graph_id: graph.id,
      operation_id: operationId,
      rejects: rows.map((row) => Object.fromEntries(row.map((value, at) => [columns[at].name, value]))),
      next_offset: truncated ? offset + rows.length : null,
    };
  }

  @Get('download')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'All of these rows as a file: NDJSON with a row on each line, or CSV' })
  async download(
    @CurrentGraph() graph: GraphAccess,
    @Param('operation_id') operationId: string,
    @Query() { format, ...filter }: RejectsDownloadQuery,
    @ClosedSignal() signal: AbortSignal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const body = await this.queries.downloadRejects(graph.id, operationId, filter, format, signal);
    await reply
      .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson')
      .header('content-disposition', `attachment; filename="rejects-${operationId}.${format}"`)
      .send(body);
  }
}
