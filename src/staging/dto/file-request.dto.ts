import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';
import { Text } from '../../common/text';
import { FILE_STATUSES, type FileOptions, type FileStatus } from '../staged-file.entity';
import { toMapping } from '../column-mapping';
import { CsvOptionsDto, IsColumnMapping, toCsvOptions } from './csv-options.dto';

/** How files are read; of a table: those that say nothing else. */
export class ReadingOptions {
  @ApiProperty({
    required: false,
    type: CsvOptionsDto,
    description: 'how the CSV is written; what is left out is found out',
  })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => CsvOptionsDto)
  csv?: CsvOptionsDto;

  @ApiProperty({
    required: false,
    type: Object,
    example: { 'Full name': 'name', notes: null },
    description: 'columns of the file by what they hold: a property, `from`, `to`, or null for nothing',
  })
  @IsOptional()
  @IsColumnMapping()
  column_mapping?: Record<string, string | null>;

  @ApiProperty({
    required: false,
    example: 'Person',
    description:
      'of a relationship that joins several pairs of types: the type that the rows lead from, where they do not say it',
  })
  @IsOptional()
  @Text({ max: 255 })
  from_label?: string;

  @ApiProperty({ required: false, description: 'the same of the type that they lead to' })
  @IsOptional()
  @Text({ max: 255 })
  to_label?: string;
}

export class FileUploadRequest extends ReadingOptions {
  @ApiProperty({ example: 'people.csv' })
  @Matches(/^[^/\\]*$/, { message: 'file_name must be a name without a path' })
  @Text({ max: 255 })
  file_name: string;

  @ApiProperty({
    required: false,
    example: 'text/csv',
    description: 'CSV, JSON, NDJSON or Parquet; gzip and zstd are seen',
  })
  @Text({ max: 255 })
  content_type: string = 'application/x-parquet';

  @ApiProperty({ example: 'Person', description: 'a node or relationship type of the schema' })
  @Text({ max: 255 })
  table_name: string;

  @ApiProperty({ required: false, description: 'load it into the graph as soon as it is staged' })
  @IsOptional()
  @IsBoolean()
  ingest_to_graph: boolean = false;
}

/** How a request wants files to be read. */
export function toFileOptions(request: ReadingOptions): FileOptions {
  const { csv, column_mapping: mapping, from_label: from, to_label: to } = request;
  const ends = { ...(from != null && { from }), ...(to != null && { to }) };
  return {
    ...(csv && { csv: toCsvOptions(csv) }),
    ...(mapping && { mapping: toMapping(mapping) }),
    ...(Object.keys(ends).length > 0 && { ends }),
  };
}

export const STATUS_UPDATES = ['uploaded', 'archived', 'disabled'] as const;

export class FileStatusUpdate {
  @ApiProperty({
    enum: STATUS_UPDATES,
    description:
      '`uploaded`: the content was sent, read it into its table; `disabled`: keep it, but not in its table; ' +
      '`archived`: keep only what was uploaded',
  })
  @IsIn(STATUS_UPDATES)
  status: (typeof STATUS_UPDATES)[number];

  @ApiProperty({ required: false, description: 'load it into the graph as soon as it is staged' })
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
