import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AuditService } from '../audit/audit.service';
import type { OrgAccess } from '../auth/access';
import { CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { AuditQuery } from './dto/org.dto';

@ApiTags('Organisations')
@Controller('v1/orgs/:org_id/audit')
export class OrgAuditController {
  constructor(private readonly audit: AuditService) {}

  @Get()
  @Requires('org:admin')
  @ApiOperation({ summary: 'Who did what, newest first', operationId: 'listOrgAudit' })
  async list(@CurrentOrg() org: OrgAccess, @Query() query: AuditQuery) {
    const { events, nextCursor } = await this.audit.list(org.id, { limit: query.limit ?? 50, before: query.cursor });
    return {
      events: events.map((event) => ({
        id: event.id,
        at: event.at,
        actor_id: event.actorId,
        api_key_id: event.apiKeyId,
        action: event.action,
        target: event.target,
        outcome: event.outcome,
        ip: event.ip,
        request_id: event.requestId,
        details: event.details,
      })),
      next_cursor: nextCursor,
    };
  }
}
