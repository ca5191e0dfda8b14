import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import { CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { ClosedSignal } from '../common/closed-signal';
import { NotRepeatable } from '../idempotency/not-repeatable';
import {
  TableListResponse,
  TableQueryRequest,
  TableQueryResponse,
  toTableList,
  toTableQueryResponse,
} from './dto/table.dto';
import { FilesService } from './files.service';
import { TableQueriesService } from './table-queries.service';

@ApiTags('tables')
@Controller('v1/graphs/:graph_id/tables')
export class TablesController {
  constructor(
    private readonly files: FilesService,
    private readonly queries: TableQueriesService,
  ) {}

  @Get()
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'The staging tables, one for each type of the schema, with what is staged' })
  @ApiOkResponse({ type: TableListResponse })
  async list(@CurrentGraph() graph: GraphAccess): Promise<TableListResponse> {
    const { schema, staged } = await this.files.tables(graph.id);
    return toTableList(graph.id, schema, staged);
  }

  @Post('query')
  @NotRepeatable('Queries change nothing')
  @HttpCode(200)
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'One SQL SELECT (DuckDB) over the staging tables, as they were staged' })
  @ApiOkResponse({ type: TableQueryResponse })
  async query(
    @CurrentGraph() graph: GraphAccess,
    @Body() { sql, parameters, limit = 1_000, offset = 0 }: TableQueryRequest,
    @ClosedSignal() signal: AbortSignal,
  ): Promise<TableQueryResponse> {
    const query = { sql, parameters: parameters ?? [], limit, offset };
    return toTableQueryResponse(await this.queries.run(graph.id, query, signal), offset);
  }
}
