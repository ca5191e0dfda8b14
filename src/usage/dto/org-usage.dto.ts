import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

export class OrgUsageQuery {
  /** Whole days (UTC), the present one among them. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(365)
  days: number = 30;
}

export class OrgUsageResponse {
  @ApiProperty()
  org_id: string;
  @ApiProperty()
  period_days: number;
  @ApiProperty()
  start_date: string;
  @ApiProperty()
  end_date: string;
  @ApiProperty({ type: 'object', additionalProperties: true })
  summary: object;
  @ApiProperty({ type: 'array', items: { type: 'object' }, description: 'the graphs that the caller may use' })
  graph_details: object[];
  @ApiProperty({ type: 'array', items: { type: 'object' }, description: 'one entry for each day' })
  daily_trend: object[];
}
