import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { requireScope } from '../auth/access-rules';
import { Clock } from '../common/clock';
import { NotRepeatable } from '../idempotency/not-repeatable';
import { BulkCancel } from './bulk-cancel';
import { BulkCancelDto, BulkCancelRequest, selectionIn, toBulkCancelDto } from './dto/bulk-cancel.dto';
import { OperationEventsQuery, OperationListQuery, toOperationFilter } from './dto/operation-history.dto';
import { toOperationDto } from './dto/operation.dto';
import { OperationRecordDto, toOperationRecordDto } from './dto/operation-record.dto';
import { OperationHistory } from './operation-history';
import { QueuePositions } from './queue-positions';

@ApiTags('operations')
@Controller('v1/operations')
export class OperationHistoryController {
  constructor(
    private readonly history: OperationHistory,
    private readonly cancels: BulkCancel,
    private readonly queue: QueuePositions,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Requires('user')
  @ApiOperation({ summary: 'Operations that you may see, newest first' })
  async list(@CurrentActor() actor: Actor, @Query() query: OperationListQuery): Promise<object> {
    const { items, nextCursor } = await this.history.list(actor, toOperationFilter(query), query);
    return { operations: items.map(toOperationDto), next_cursor: nextCursor };
  }

  // A key that is bound to graphs may stop what runs on them: which operations are whose is decided for each of them.
  @Post('cancel')
  @HttpCode(200)
  @Requires('user', { scope: 'read' })
  @NotRepeatable('cancelling again changes nothing')
  @ApiOperation({ summary: 'Cancel many operations: all open ones of a filter, or a list of ids' })
  @ApiOkResponse({ type: BulkCancelDto })
  async cancel(@CurrentActor() actor: Actor, @Body() request: BulkCancelRequest): Promise<BulkCancelDto> {
    requireScope(actor, 'write');
    const selection = selectionIn(request);
    return toBulkCancelDto(
      'ids' in selection
        ? await this.cancels.cancelAmong(actor, selection.ids)
        : await this.cancels.cancelWhere(actor, selection.filter),
    );
  }

  @Get(':operation_id')
  @Requires('operation:viewer')
  @ApiOperation({ summary: 'All that is kept of an operation: what was asked for, every attempt, what took how long' })
  @ApiOkResponse({ type: OperationRecordDto })
  async get(@CurrentActor() actor: Actor, @Param('operation_id') operationId: string): Promise<OperationRecordDto> {
    const record = await this.history.record(operationId);
    const place = await this.queue.placeOf(record.operation);
    return toOperationRecordDto(record, place, { now: this.clock.now(), forOperator: actor.isOperator === true });
  }

  @Get(':operation_id/events')
  @Requires('operation:viewer')
  @ApiOperation({ summary: 'Stored events of an operation, as its stream sends them' })
  async events(@Param('operation_id') operationId: string, @Query() query: OperationEventsQuery): Promise<object> {
    const { items, nextCursor, oldest, newest } = await this.history.events(operationId, query.after, query.limit);
    return {
      operation_id: operationId,
      events: items.map(({ sequence, type, data, createdAt }) => ({
        ...data,
        sequence_number: sequence,
        event_type: type,
        timestamp: createdAt.toISOString(),
      })),
      next_after: nextCursor === null ? null : Number(nextCursor),
      oldest_sequence: oldest,
      last_sequence: newest,
      // Said, so that nobody takes a log that was shortened for the whole one.
      pruned: query.after < oldest - 1,
    };
  }
}
