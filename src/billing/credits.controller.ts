import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { CreditsService } from './credits.service';
import {
  CreditSummaryResponse,
  CreditTransactionsQuery,
  GrantCreditsDto,
  toCreditSummary,
  toTransactionFilter,
  toTransactionsDto,
} from './dto/credits.dto';

@ApiTags('credits')
@Controller('v1')
export class CreditsController {
  constructor(private readonly credits: CreditsService) {}

  @Get('graphs/:graph_id/credits')
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'What a graph may still spend this month; a subgraph spends with its parent' })
  @ApiOkResponse({ type: CreditSummaryResponse })
  async summary(@CurrentGraph() graph: GraphAccess): Promise<CreditSummaryResponse> {
    const { pool, ...month } = await this.credits.thisMonth(graph.id);
    return toCreditSummary(graph, pool, month);
  }

  @Get('graphs/:graph_id/credits/transactions')
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'Every change of the balance, newest first, each with the balance after it' })
  async transactions(@CurrentGraph() graph: GraphAccess, @Query() query: CreditTransactionsQuery): Promise<object> {
    return toTransactionsDto(query, await this.credits.transactions(graph.id, toTransactionFilter(query), query));
  }

  @Post('admin/graphs/:graph_id/credits')
  @HttpCode(200)
  @Requires('operator')
  @ApiOperation({ summary: 'Give a graph credits beyond those of its tier, until the end of the month' })
  async grant(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Body() body: GrantCreditsDto,
  ): Promise<object> {
    const { balance } = await this.credits.grant(actor, graphId, body);
    return { graph_id: graphId, amount: body.amount, current_balance: balance };
  }
}
