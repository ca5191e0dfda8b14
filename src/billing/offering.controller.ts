import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/requires';
import { GraphsConfig } from '../graphs/graphs.config';
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
  ) {}

  @Get()
  @Requires('user', { scope: 'read' })
  @ApiOperation({ summary: 'What can be subscribed to, with prices and the limits that are enforced' })
  @ApiOkResponse({ type: OfferingResponse })
  list(): OfferingResponse {
    return toOffering(this.plans, this.tiers, this.graphs.billingRequired);
  }
}
