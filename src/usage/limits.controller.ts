import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { GraphAccess } from '../auth/access';
import { CurrentGraph } from '../auth/current';
import { Requires } from '../auth/requires';
import { CreditsService } from '../billing/credits.service';
import { Plans } from '../billing/plans';
import { EngineConfig } from '../engine/engine.config';
import { StorageUsage } from '../limits/storage-usage';
import { GraphCapacity } from '../graphs/graph-capacity';
import { TierTable } from '../limits/tier-table';
import { type Tier, TIERS } from '../limits/tiers';
import { GraphCapacityResponse, toTierCapacity } from './dto/tier-capacity.dto';
import { AvailableGraphTiersResponse, TiersQuery, toTierInfo } from './dto/tiers.dto';
import { GraphLimitsResponse, toGraphLimits } from './dto/graph-limits.dto';

@ApiTags('limits')
@Controller('v1/graphs')
export class LimitsController {
  constructor(
    private readonly tiers: TierTable,
    private readonly storage: StorageUsage,
    private readonly engine: EngineConfig,
    private readonly credits: CreditsService,
    private readonly places: GraphCapacity,
    private readonly plans: Plans,
  ) {}

  @Get('tiers')
  @Requires('user', { scope: 'read' })
  @ApiOperation({ summary: 'The tiers that a graph can be of, with their limits' })
  @ApiOkResponse({ type: AvailableGraphTiersResponse })
  list(@Query() _: TiersQuery): AvailableGraphTiersResponse {
    return { tiers: TIERS.map((tier) => this.infoOf(tier)) };
  }

  @Get('capacity')
  @Requires('user', { scope: 'read' })
  @ApiOperation({ summary: 'Whether a new graph of each tier finds a place, or waits for one' })
  @ApiOkResponse({ type: GraphCapacityResponse })
  async capacity(): Promise<GraphCapacityResponse> {
    return { tiers: (await this.places.occupancy()).map(toTierCapacity) };
  }

  @Get(':graph_id/limits')
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'What the graph may use, and how much storage it uses' })
  @ApiOkResponse({ type: GraphLimitsResponse })
  async ofGraph(@CurrentGraph() graph: GraphAccess): Promise<GraphLimitsResponse> {
    const [storage, credits] = await Promise.all([this.storage.ofGraph(graph.id), this.credits.pool(graph.id)]);
    return toGraphLimits(graph, this.tiers.of(graph.tier), { storage, credits });
  }

  private infoOf(tier: Tier): object {
    const { hostMemoryMb } = this.engine;
    return toTierInfo(tier, this.tiers, { hostMemoryMb, priceCents: this.plans.get(tier).priceCents });
  }
}
