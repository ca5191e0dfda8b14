import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { type Tier, TIERS } from '../limits/tiers';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { ChangeGraphTier, DeprovisionGraph } from './provisioning.operations';
import { ProvisioningService } from './provisioning.service';

export class ChangeTierDto {
  @IsIn(TIERS)
  tier: Tier;
}

@ApiTags('Administration')
@Controller('v1/admin/graphs/:graph_id')
@Requires('operator')
export class ProvisioningController {
  constructor(private readonly provisioning: ProvisioningService) {}

  @Post('tier')
  @StartsOperation(ChangeGraphTier)
  @ApiOperation({ summary: 'Move a graph to another tier, where that has a place and allows what the graph holds' })
  async changeTier(
    @CurrentActor() actor: Actor,
    @Param('graph_id') graphId: string,
    @Body() { tier }: ChangeTierDto,
  ): Promise<object> {
    return toStartedDto(await this.provisioning.requestTierChange(actor, graphId, tier));
  }

  @Post('deprovision')
  @StartsOperation(DeprovisionGraph)
  @ApiOperation({ summary: 'Make a last backup of a suspended graph and remove it' })
  async deprovision(@CurrentActor() actor: Actor, @Param('graph_id') graphId: string): Promise<object> {
    return toStartedDto(await this.provisioning.requestDeprovisioning(actor, graphId));
  }
}
