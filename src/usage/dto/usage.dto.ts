import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBooleanString, IsIn, IsOptional } from 'class-validator';

export const TIME_RANGES = ['24h', '7d', '30d', 'current_month', 'last_month'] as const;
export type TimeRange = (typeof TIME_RANGES)[number];

export class UsageQuery {
  @ApiPropertyOptional({ enum: TIME_RANGES, default: '30d' })
  @IsOptional()
  @IsIn(TIME_RANGES)
  time_range: TimeRange = '30d';

  @IsOptional()
  @IsBooleanString()
  include_storage?: string;

  @IsOptional()
  @IsBooleanString()
  include_credits?: string;

  @IsOptional()
  @IsBooleanString()
  include_performance?: string;

  @IsOptional()
  @IsBooleanString()
  include_events?: string;
}

export class GraphMetricsResponse {
  @ApiProperty()
  graph_id: string;

  @ApiProperty()
  graph_name: string;

  @ApiProperty()
  user_role: string;

  @ApiProperty()
  timestamp: string;

  @ApiProperty()
  total_nodes: number;

  @ApiProperty()
  total_relationships: number;

  @ApiProperty({ description: 'by type; counted when the data was published' })
  node_counts: Record<string, number>;

  @ApiProperty()
  relationship_counts: Record<string, number>;

  @ApiProperty()
  estimated_size: object;

  @ApiProperty()
  health_status: object;

  @ApiProperty({ description: 'queries of the last 24 hours, of all users' })
  queries_24h: object;
}

export class GraphUsageResponse {
  @ApiProperty()
  graph_id: string;

  @ApiProperty({ enum: TIME_RANGES })
  time_range: TimeRange;

  @ApiProperty()
  timestamp: string;

  @ApiProperty({ description: 'first and last moment that counts; queries are counted by the hour' })
  period: { start: string; end: string };

  @ApiProperty({ type: Object, nullable: true })
  storage_summary: object | null;

  @ApiProperty({ type: Object, nullable: true })
  credit_summary: object | null;

  @ApiProperty({ type: Object, nullable: true })
  performance_insights: object | null;

  @ApiProperty({ description: 'queries of all users: number, time, rows, bytes' })
  query_summary: object;

  @ApiProperty({
    type: 'array',
    items: { type: 'object' },
    description: 'one entry for each day (UTC) that the period touches',
  })
  daily_trend: object[];

  @ApiProperty({ type: 'array', items: { type: 'object' } })
  recent_events: object[];
}
