import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { Text } from '../../common/text';

class RejectsFilterQuery {
  @ApiProperty({ required: false })
  @IsOptional()
  @Text({ max: 255 })
  table_name?: string;

  @ApiProperty({ required: false })
  @IsOptional()
  @Text({ max: 255 })
  file_id?: string;

  @ApiProperty({ required: false, example: 'type_mismatch' })
  @IsOptional()
  @Text({ max: 255 })
  reason?: string;
}

export class RejectsDownloadQuery extends RejectsFilterQuery {
  @ApiProperty({ required: false, enum: ['ndjson', 'csv'], default: 'ndjson' })
  @IsIn(['ndjson', 'csv'])
  format: 'ndjson' | 'csv' = 'ndjson';
}

export class RejectsQuery extends RejectsFilterQuery {
  @ApiProperty({ required: false, default: 1000 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(10_000)
  limit?: number;

  @ApiProperty({ required: false, default: 0 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  offset?: number;
}

export class RejectsResponse {
  @ApiProperty()
  graph_id: string;
  @ApiProperty()
  operation_id: string;
  @ApiProperty({
    type: [Object],
    description: 'table_name, file_id, file_name, row (1 is the first row of data), reason, detail, data (JSON text)',
  })
  rejects: Record<string, unknown>[];
  @ApiProperty({ nullable: true, type: Number, description: 'where the next page begins, null after the last' })
  next_offset: number | null;
}
