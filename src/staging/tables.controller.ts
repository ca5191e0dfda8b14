import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { ClosedSignal } from '../common/closed-signal';
import { NotRepeatable } from '../idempotency/not-repeatable';
import { ReadingOptions, toFileOptions } from './dto/file-request.dto';
import {
  DropTableResponse,
  TableInfo,
  TableListResponse,
  TableQueryRequest,
  TableQueryResponse,
  toDropTableResponse,
  toTableInfo,
  toTableQueryResponse,
} from './dto/table.dto';
import { TableQueriesService } from './table-queries.service';
import { TablesService } from './tables.service';

@ApiTags('tables')
@Controller('v1/graphs/:graph_id/tables')
export class TablesController {
  constructor(
    private readonly tables: TablesService,
    private readonly queries: TableQueriesService,
  ) {}

  @Get()
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'The staging tables, one for each type of the schema, with what is staged' })
  @ApiOkResponse({ type: TableListResponse })
  async list(@CurrentGraph() graph: GraphAccess): Promise<TableListResponse> {
    const tables = await this.tables.list(graph.id);
    return { tables: tables.map((table) => toTableInfo(graph.id, table)), total_count: tables.length };
  }

  @Get(':table_name')
  @Requires('graph:viewer')
  @ApiOperation({
    summary: 'A staging table: its columns, how its files are read, what is staged, and whether it is loaded',
  })
  @ApiOkResponse({ type: TableInfo })
  async get(@CurrentGraph() graph: GraphAccess, @Param('table_name') name: string): Promise<TableInfo> {
    return toTableInfo(graph.id, await this.tables.get(graph.id, name));
  }

  @Put(':table_name')
  @Requires('graph:member')
  @ApiOperation({ summary: 'Say how the files of a table are read that say nothing else, before there is any of them' })
  @ApiOkResponse({ type: TableInfo })
  async declare(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('table_name') name: string,
    @Body() body: ReadingOptions,
  ): Promise<TableInfo> {
    return toTableInfo(graph.id, await this.tables.declare(actor, graph.id, name, toFileOptions(body)));
  }

  @Delete(':table_name')
  @Requires('graph:member')
  @ApiOperation({ summary: 'Remove all files of a table, and what was said of it' })
  @ApiOkResponse({ type: DropTableResponse })
  async drop(
    @CurrentActor() actor: Actor,
    @CurrentGraph() graph: GraphAccess,
    @Param('table_name') name: string,
  ): Promise<DropTableResponse> {
    return toDropTableResponse(name, await this.tables.drop(actor, graph.id, name));
  }

  @Post('query')
  @NotRepeatable('Queries change nothing')
  @HttpCode(200)
  @Requires('graph:viewer')
  @ApiOperation({
    summary: 'One SQL SELECT (DuckDB) over the staging tables, as they were staged, and the rows that were rejected',
  })
  @ApiOkResponse({ type: TableQueryResponse })
  async query(
    @CurrentGraph() graph: GraphAccess,
    @Body() { sql, parameters, limit = 1_000, offset = 0, rejects_of }: TableQueryRequest,
    @ClosedSignal() signal: AbortSignal,
  ): Promise<TableQueryResponse> {
    const query = { sql, parameters: parameters ?? [], limit, offset, rejectsOf: rejects_of ?? undefined };
    return toTableQueryResponse(await this.queries.run(graph.id, query, signal), offset);
  }
}
