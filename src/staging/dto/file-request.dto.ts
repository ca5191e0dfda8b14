import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { Text } from '../../common/text';
import { FILE_STATUSES, type FileStatus } from '../staged-file.entity';

export class FileUploadRequest {
  @ApiProperty({ example: 'people.csv' })
  @Matches(/^[^/\\]*$/, { message: 'file_name must be a name without a path' })
  @Text({ max: 255 })
  file_name: string;

  @ApiProperty({ required: false, example: 'text/csv', description: 'CSV or Parquet' })
  @Text({ max: 255 })
  content_type: string = 'application/x-parquet';

  @ApiProperty({ example: 'Person', description: 'a node or relationship type of the schema' })
  @Text({ max: 255 })
  table_name: string;
}

export const STATUS_UPDATES = ['uploaded', 'archived', 'disabled'] as const;

export class FileStatusUpdate {
  @ApiProperty({ enum: STATUS_UPDATES, description: '`uploaded`: the content was sent, read it into its table' })
  @IsIn(STATUS_UPDATES)
  status: (typeof STATUS_UPDATES)[number];

  @ApiProperty({ required: false })
  @IsBoolean()
  ingest_to_graph: boolean = false;
}

export class ListFilesQuery {
  @ApiProperty({ required: false })
  @IsOptional()
  @Text({ max: 255 })
  table_name?: string;

  @ApiProperty({ required: false, enum: FILE_STATUSES, description: '`uploaded`: content has arrived, staged or not' })
  @IsOptional()
  @IsIn(FILE_STATUSES)
  status?: FileStatus;

  @ApiProperty({ required: false, description: 'all files when absent' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(10_000)
  limit?: number;

  @ApiProperty({ required: false })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  offset?: number;
}

export class DeleteFileQuery {
  /** Rows always leave the table with their file, and the graph with the next materialization. */
  @ApiProperty({ required: false })
  @IsOptional()
  @IsIn(['true', 'false'])
  cascade?: 'true' | 'false';
}
