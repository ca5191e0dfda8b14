import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import { CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { NotImplementedYet } from '../common/not-implemented';
import { NotRepeatable } from '../idempotency/not-repeatable';
import { TableListResponse, TableQueryRequest, toTableList } from './dto/table.dto';
import { FilesService } from './files.service';

@ApiTags('tables')
@Controller('v1/graphs/:graph_id/tables')
export class TablesController {
  constructor(private readonly files: FilesService) {}

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
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'SQL on staging tables; not available in this version' })
  query(@Body() _request: TableQueryRequest): never {
    throw new NotImplementedYet('SQL on staging tables');
  }
}
