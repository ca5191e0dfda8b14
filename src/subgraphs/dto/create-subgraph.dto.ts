import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsBoolean, IsIn, IsISO8601, IsObject, IsOptional, Matches } from 'class-validator';
import { AsSent } from '../../common/as-sent';
import { Text } from '../../common/text';
import { SUBGRAPH_NAME, SUBGRAPH_TYPES, type SubgraphType } from '../subgraph';

const NOT_SUPPORTED =
  'subgraph_type must be "static" (stays until it is deleted) or "temporal" (is deleted at its expires_at); "versioned" and "memory" are not supported';

export class CreateSubgraphDto {
  @ApiProperty({ description: 'letters and digits, at most 20; upper case is taken for lower' })
  @Matches(SUBGRAPH_NAME, { message: 'name must be 1 to 20 letters and digits' })
  name: string;

  @Text({ max: 200, trim: true })
  display_name: string;

  @IsOptional()
  @Text({ max: 2_000, multiline: true, min: 0 })
  description?: string | null;

  @ApiPropertyOptional({ description: 'ready-made schemas whose types it has beside those of its parent' })
  @IsOptional()
  @ArrayMaxSize(20)
  @Text({ max: 100, each: true })
  schema_extensions?: string[];

  @ApiPropertyOptional({ enum: SUBGRAPH_TYPES })
  @IsOptional()
  @IsIn(SUBGRAPH_TYPES, { message: NOT_SUPPORTED })
  subgraph_type: SubgraphType = 'static';

  @ApiPropertyOptional({ description: 'kept and shown as it is; its fork_options say what a fork takes', type: Object })
  @IsOptional()
  @IsObject()
  @AsSent()
  metadata?: Record<string, unknown> | null;

  @ApiPropertyOptional({ description: 'begin as a copy of the data of the parent' })
  @IsOptional()
  @IsBoolean()
  fork_parent: boolean = false;

  @ApiPropertyOptional({ description: 'when it is deleted by itself; a temporal one must say' })
  @IsOptional()
  @IsISO8601({ strict: true })
  expires_at?: string | null;
}
