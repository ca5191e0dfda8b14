import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { FILES, SCHEMA } from '../../src/demo/flights';
import { copyStatement } from '../../src/engine/ladybug/host-build';
import { parseSchema } from '../../src/schemas/parse-schema';
import { definitionsOf } from '../../src/schemas/schema-definitions';
import { duckdbType } from '../../src/staging/duckdb/duckdb-types';
import { literal, quoted } from '../../src/staging/duckdb/sql-text';
import { preparePlan } from '../../src/staging/prepare-plan';

/** Everything that the engine needs to build the demo's graph by itself. */
export interface ReadyTables {
  definitions: string[];
  copies: { table: string; statement: string }[];
  rows: number;
}

/** Writes the demo's files as Parquet with exactly the columns and types of the engine's tables. */
export async function makeReadyTables(directory: string): Promise<ReadyTables> {
  const schema = parseSchema(SCHEMA);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("set TimeZone = 'UTC'");
  const copies: ReadyTables['copies'] = [];
  let rows = 0;
  for (const { table, kind, columns, from, to } of preparePlan(schema)) {
    const { path, contentType } = FILES.find((file) => file.table === table)!;
    const source = contentType === 'text/csv' ? `read_csv(${literal(path)})` : `read_parquet(${literal(path)})`;
    const selected = columns.map(
      ({ name, type, sources }) => `cast(${quoted(sources[0])} as ${duckdbType(type)}) as ${quoted(name)}`,
    );
    const file = join(directory, `${table}.parquet`);
    await connection.run(`copy (select ${selected.join(', ')} from ${source}) to ${literal(file)} (format parquet)`);
    const counted = await connection.runAndReadAll(`select count(*) from read_parquet(${literal(file)})`);
    const count = Number(counted.getRows()[0][0]);
    rows += count;
    copies.push({ table, statement: copyStatement({ table, kind, from, to, files: [file], rows: count }) });
  }
  connection.closeSync();
  instance.closeSync();
  return { definitions: definitionsOf(schema), copies, rows };
}
