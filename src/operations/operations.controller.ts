import { Controller, Delete, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { CancelledOperationDto, OperationStatusDto, toCancelledDto, toOperationStatusDto } from './dto/operation.dto';
import { StreamQueryDto } from './dto/stream-query.dto';
import { OperationStreams } from './operation-streams';
import { OperationsService } from './operations.service';
import { QueuePositions } from './queue-positions';
import { replyWithStream } from './sse-reply';

/** Most work stops this fast, so that the answer to a cancel can say how it ended. */
const CANCEL_WAIT_MS = 2_000;

@ApiTags('operations')
@Controller('v1/operations/:operation_id')
export class OperationsController {
  constructor(
    private readonly operations: OperationsService,
    private readonly streams: OperationStreams,
    private readonly queue: QueuePositions,
  ) {}

  @Get('status')
  @Requires('operation:viewer')
  @ApiOperation({ summary: 'Status, progress, result or error of an operation' })
  @ApiOkResponse({ type: OperationStatusDto })
  async status(@Param('operation_id') operationId: string): Promise<OperationStatusDto> {
    const operation = await this.operations.get(operationId);
    return toOperationStatusDto(operation, await this.queue.placeOf(operation));
  }

  @Delete()
  @Requires('operation:member')
  @ApiOperation({ summary: 'Cancel an operation; 409 when it has ended' })
  @ApiOkResponse({ type: CancelledOperationDto })
  async cancel(
    @CurrentActor() actor: Actor,
    @Param('operation_id') operationId: string,
  ): Promise<CancelledOperationDto> {
    await this.operations.cancel(actor, operationId);
    return toCancelledDto(await this.operations.waitUntilEnded(operationId, CANCEL_WAIT_MS));
  }

  @Get('stream')
  @Requires('operation:viewer', { tokenInQuery: true })
  @ApiOperation({ summary: 'Events of an operation, live, as server-sent events; 204 when all of them were seen' })
  @ApiProduces('text/event-stream')
  async stream(
    @CurrentActor() actor: Actor,
    @Param('operation_id') operationId: string,
    @Query() { from_sequence }: StreamQueryDto,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const start = { lastEventId: lastEventId || undefined, fromSequence: from_sequence };
    await replyWithStream(reply, (gone) => this.streams.open(actor.userId, operationId, start, gone));
  }
}
