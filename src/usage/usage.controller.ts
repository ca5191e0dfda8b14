import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import { CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { GraphMetricsResponse, GraphUsageResponse, UsageQuery } from './dto/usage.dto';
import { UsageService } from './usage.service';

@ApiTags('usage')
@Controller('v1/graphs/:graph_id/analytics')
export class UsageController {
  constructor(private readonly usage: UsageService) {}

  @Get()
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'What the graph holds, by type, and how it was queried in the last 24 hours' })
  @ApiOkResponse({ type: GraphMetricsResponse })
  metrics(@CurrentGraph() graph: GraphAccess): Promise<GraphMetricsResponse> {
    return this.usage.metrics(graph);
  }

  @Get('usage')
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'What was used of the graph over a time: storage, queries, operations' })
  @ApiOkResponse({ type: GraphUsageResponse })
  over(@CurrentGraph() graph: GraphAccess, @Query() query: UsageQuery): Promise<GraphUsageResponse> {
    return this.usage.over(graph, query);
  }
}
