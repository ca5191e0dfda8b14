import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsOptional } from 'class-validator';
import { Text } from '../../common/text';
import type { GraphSchema } from '../../schemas/graph-schema';
import { preparePlan } from '../prepare-plan';
import { graphPrefix } from '../staged-file.entity';
import type { TableTotals } from '../staging.repository';

export class TableInfo {
  @ApiProperty()
  table_name: string;
  @ApiProperty({ enum: ['node', 'relationship'] })
  kind: string;
  @ApiProperty({ description: 'rows of all staged files, before they are checked' })
  row_count: number;
  @ApiProperty()
  file_count: number;
  @ApiProperty()
  total_size_bytes: number;
  @ApiProperty({ nullable: true, type: String })
  s3_location: string | null;
  @ApiProperty({ type: [Object], description: 'what the files of the table should have' })
  columns: { name: string; type: string; required: boolean }[];
}

export class TableListResponse {
  @ApiProperty({ type: [TableInfo] })
  tables: TableInfo[];
  @ApiProperty()
  total_count: number;
}

export class TableQueryRequest {
  @ApiProperty()
  @Text({ max: 100_000, multiline: true })
  sql: string;

  @ApiProperty({ required: false, nullable: true, type: [Object] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1000)
  parameters?: unknown[] | null;
}

/** One entry for each type of the schema, whether or not a file was staged for it. */
export function toTableList(graphId: string, schema: GraphSchema, staged: TableTotals[]): TableListResponse {
  const tables = preparePlan(schema).map(({ table, kind, columns }) => {
    const totals = staged.find(({ tableName }) => tableName === table);
    return {
      table_name: table,
      kind,
      row_count: totals?.rows ?? 0,
      file_count: totals?.files ?? 0,
      total_size_bytes: totals?.bytes ?? 0,
      s3_location: totals ? `${graphPrefix(graphId)}files/` : null,
      columns: columns.map(({ name, type, required }) => ({ name, type, required })),
    };
  });
  return { tables, total_count: tables.length };
}
