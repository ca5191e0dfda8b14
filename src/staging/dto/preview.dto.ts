import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '@duckdb/node-api';
import type { ColumnProfile, ProfileResult } from '../duckdb/messages';
import { pageOf } from '../../common/page.dto';

export class PreviewQuery extends pageOf({ limit: 20, most: 1_000 }) {}

export class ColumnProfileDto {
  @ApiProperty()
  name: string;
  @ApiProperty({ description: "DuckDB's name of the type that it is staged with" })
  type: string;
  @ApiProperty({
    nullable: true,
    type: String,
    description: 'what the schema asks for; null where the schema has no such column',
  })
  property_type: string | null;
  @ApiProperty()
  nulls: number;
  @ApiProperty({ description: 'different values, about (within a few percent)' })
  distinct: number;
  @ApiProperty({
    nullable: true,
    description: 'null for bytes, lists, maps and structs; text is cut at 200 characters',
  })
  min: Json;
  @ApiProperty({ nullable: true })
  max: Json;
  @ApiProperty({ type: [Object], description: 'up to five different values from the first thousand rows' })
  examples: Json[];
}

export class ProfileResponse {
  @ApiProperty()
  row_count: number;
  @ApiProperty({ type: [ColumnProfileDto] })
  columns: ColumnProfileDto[];
  @ApiProperty()
  execution_time_ms: number;
}

export function toProfileResponse(
  { rows, columns, executionMs }: ProfileResult,
  wanted: Record<string, string>,
): ProfileResponse {
  const toColumn = ({ name, type, ...figures }: ColumnProfile): ColumnProfileDto => ({
    name,
    type,
    property_type: wanted[name.toLowerCase()] ?? null,
    ...figures,
  });
  return { row_count: rows, columns: columns.map(toColumn), execution_time_ms: executionMs };
}
