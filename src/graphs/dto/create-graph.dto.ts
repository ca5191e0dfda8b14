import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsBoolean, IsIn, IsObject, IsOptional, IsUUID, ValidateNested } from 'class-validator';
import { Text } from '../../common/text';
import { type Tier, TIERS } from '../../limits/tiers';

export class GraphMetadataDto {
  @Text({ max: 200, trim: true })
  graph_name: string;

  @IsOptional()
  @Text({ max: 2_000, multiline: true, min: 0 })
  description?: string | null;

  @IsOptional()
  @ArrayMaxSize(20)
  @Text({ max: 100, each: true })
  schema_extensions?: string[];

  @IsOptional()
  @ArrayMaxSize(10)
  @Text({ max: 50, each: true })
  tags?: string[];
}

export class CreateGraphDto {
  @IsObject()
  @ValidateNested()
  @Type(() => GraphMetadataDto)
  metadata: GraphMetadataDto;

  @IsOptional()
  @IsIn(TIERS)
  instance_tier: Tier = 'ladybug-standard';

  /** Checked by `parseSchema`, which knows more than rules for fields can say. */
  @IsOptional()
  @IsObject()
  custom_schema?: object | null;

  @IsOptional()
  @IsIn([null], { message: 'initial_entity is not available yet: load entities from a file' })
  @ApiPropertyOptional({ type: String, nullable: true, enum: [null] })
  initial_entity?: null;

  @IsOptional()
  @IsBoolean()
  create_entity?: boolean;

  @IsOptional()
  @ArrayMaxSize(10)
  @Text({ max: 50, each: true })
  tags?: string[];

  /** Which organisation owns the graph; needed only by those who belong to several. */
  @IsOptional()
  @IsUUID()
  org_id?: string;
}
