import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsArray, IsDefined, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { AsSent } from '../../common/as-sent';
import { Text } from '../../common/text';

/** A node: made, or put in the place of the one with its key. */
export class NodeRowDto {
  @ApiProperty({ example: 'Person' })
  @Text({ max: 255 })
  label: string;

  @ApiProperty({ type: Object, example: { id: 1, name: 'Ada' } })
  @IsObject()
  @AsSent()
  properties: Record<string, unknown>;
}

/** A relationship between two nodes, each given by its key. */
export class RelationshipRowDto {
  @ApiProperty({ example: 'KNOWS' })
  @Text({ max: 255 })
  type: string;

  @ApiProperty({ example: 1, description: 'key of the node that it leads from' })
  @IsDefined()
  from: unknown;

  @ApiProperty({ example: 2, description: 'key of the node that it leads to' })
  @IsDefined()
  to: unknown;

  @ApiProperty({
    required: false,
    description: 'type of the node that it leads from, where the key alone does not tell',
  })
  @IsOptional()
  @Text({ max: 255 })
  from_label?: string | null;

  @ApiProperty({ required: false, description: 'type of the node that it leads to' })
  @IsOptional()
  @Text({ max: 255 })
  to_label?: string | null;

  @ApiProperty({ required: false, type: Object })
  @IsOptional()
  @IsObject()
  @AsSent()
  properties?: Record<string, unknown>;
}

export class RowsDto {
  @ApiProperty({ required: false, type: [NodeRowDto] })
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => NodeRowDto)
  nodes: NodeRowDto[] = [];

  @ApiProperty({ required: false, type: [RelationshipRowDto] })
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => RelationshipRowDto)
  relationships: RelationshipRowDto[] = [];
}
