import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/requires';
import { GraphsConfig } from '../graphs/graphs.config';
import { RepositoriesService } from '../repositories/repositories.service';
import { TierTable } from '../limits/tier-table';
import { OfferingResponse, toOffering } from './dto/offering.dto';
import { Plans } from './plans';

@ApiTags('billing')
@Controller('v1/offering')
export class OfferingController {
  constructor(
    private readonly plans: Plans,
    private readonly tiers: TierTable,
    private readonly graphs: GraphsConfig,
    private readonly repositories: RepositoriesService,
  ) {}

  @Get()
  @Requires('user', { scope: 'read' })
  @ApiOperation({ summary: 'What can be subscribed to, with prices and the limits that are enforced' })
  @ApiOkResponse({ type: OfferingResponse })
  async list(): Promise<OfferingResponse> {
    const offered = (await this.repositories.list()).filter(({ isOrderable }) => isOrderable);
    return toOffering(this.plans, this.tiers, offered, this.graphs.billingRequired);
  }
}
