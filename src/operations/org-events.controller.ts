import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { OrgStreamQueryDto } from './dto/stream-query.dto';
import { OrgStreams } from './org-streams';
import { replyWithStream } from './sse-reply';

@ApiTags('operations')
@Controller('v1/orgs/:org_id/events')
export class OrgEventsController {
  constructor(private readonly streams: OrgStreams) {}

  @Get()
  @Requires('org:member', { tokenInQuery: true })
  @ApiOperation({
    summary: 'Events of all operations of an organisation that you may see, live, as server-sent events',
  })
  @ApiParam({ name: 'org_id' })
  @ApiProduces('text/event-stream')
  async stream(
    @CurrentActor() actor: Actor,
    @CurrentOrg() org: OrgAccess,
    @Query() { from }: OrgStreamQueryDto,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const start = { lastEventId: lastEventId || undefined, from };
    await replyWithStream(reply, (gone) => this.streams.open(actor, org.id, start, gone));
  }
}
