import { ApiProperty } from '@nestjs/swagger';
import type { TierOccupancy } from '../../graphs/graph-capacity';
import { DISPLAY_NAMES } from '../../limits/tiers';

export class GraphCapacityResponse {
  @ApiProperty({ type: 'array', items: { type: 'object' } })
  tiers: object[];
}

/** Places of a tier in the words of the wire contract. */
export function toTierCapacity({ tier, slots, used, waiting }: TierOccupancy): object {
  const ready = used < slots && waiting === 0;
  return {
    tier,
    display_name: DISPLAY_NAMES[tier].name,
    status: ready ? 'ready' : 'at_capacity',
    message: ready
      ? 'A new graph is created at once'
      : `A new graph waits until ${waiting + 1} of the ${used} graphs with a place are gone`,
    slots,
    used,
    waiting,
  };
}
