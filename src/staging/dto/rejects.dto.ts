import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { Text } from '../../common/text';
import { pageOf } from '../../common/page.dto';

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

export class RejectsQuery extends IntersectionType(RejectsFilterQuery, pageOf({ limit: 1_000, most: 10_000 })) {}

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
