import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OrgAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { OrgUsageQuery, OrgUsageResponse } from './dto/org-usage.dto';
import { OrgUsageService } from './org-usage.service';

@ApiTags('Organisations')
@Controller('v1/orgs')
export class OrgUsageController {
  constructor(private readonly usage: OrgUsageService) {}

  @Get(':org_id/usage')
  @Requires('org:member')
  @ApiOperation({ summary: 'What the organisation used: queries, operations, credits by day, and storage' })
  @ApiOkResponse({ type: OrgUsageResponse })
  over(
    @CurrentActor() actor: Actor,
    @CurrentOrg() org: OrgAccess,
    @Query() { days }: OrgUsageQuery,
  ): Promise<OrgUsageResponse> {
    return this.usage.over(actor, org, days);
  }
}
