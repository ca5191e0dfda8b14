import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OrgAccess } from '../auth/access';
import { CurrentOrg } from '../auth/current';
import { Requires } from '../auth/requires';
import { RepositoriesService } from '../repositories/repositories.service';
import { CreditsService } from './credits.service';

/** What an organisation may read by subscription. */
@ApiTags('billing')
@Controller('v1/orgs/:org_id/repositories')
export class RepositoryGrantsController {
  constructor(
    private readonly repositories: RepositoriesService,
    private readonly credits: CreditsService,
  ) {}

  @Get()
  @Requires('org:member')
  @ApiOperation({ summary: 'Shared repositories that the organisation reads, with the credits that come with them' })
  async list(@CurrentOrg() org: OrgAccess): Promise<object> {
    const grants = await this.repositories.grantsOf(org.id);
    const repositories = await Promise.all(
      grants.map(async ({ id, repository, graphId, plan, subscriptionId, grantedAt }) => {
        const { balance, monthlyAllocation } = await this.credits.pool(id);
        return {
          repository,
          graph_id: graphId,
          plan,
          subscription_id: subscriptionId,
          access_level: 'read',
          granted_at: grantedAt.toISOString(),
          credits: { balance, monthly_allocation: monthlyAllocation },
        };
      }),
    );
    return { org_id: org.id, repositories };
  }
}
