import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { OperationEventsQuery, OperationListQuery } from './dto/operation-history.dto';
import { toOperationDto } from './dto/operation.dto';
import { OperationHistory } from './operation-history';

@ApiTags('operations')
@Controller('v1/operations')
export class OperationHistoryController {
  constructor(private readonly history: OperationHistory) {}

  @Get()
  @Requires('user')
  @ApiOperation({ summary: 'Operations that you may see, newest first' })
  async list(@CurrentActor() actor: Actor, @Query() query: OperationListQuery): Promise<object> {
    const { items, nextCursor } = await this.history.list(actor, query);
    return { operations: items.map(toOperationDto), next_cursor: nextCursor };
  }

  @Get(':operation_id/events')
  @Requires('operation:viewer')
  @ApiOperation({ summary: 'Stored events of an operation, as its stream sends them' })
  async events(@Param('operation_id') operationId: string, @Query() query: OperationEventsQuery): Promise<object> {
    const { items, nextCursor } = await this.history.events(operationId, query.after, query.limit);
    return {
      operation_id: operationId,
      events: items.map(({ sequence, type, data, createdAt }) => ({
        ...data,
        sequence_number: sequence,
        event_type: type,
        timestamp: createdAt.toISOString(),
      })),
      next_after: nextCursor === null ? null : Number(nextCursor),
    };
  }
}
