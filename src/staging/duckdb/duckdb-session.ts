import { type DuckDBConnection, DuckDBInstance, type DuckDBPreparedStatement, type Json } from '@duckdb/node-api';
import { literal } from './sql-text';
import { exactJson } from './exact-json';
import type { ChildSetup, FileLimits } from './messages';

export type Row = Record<string, Json>;

/** A text column of a row. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** An in-memory DuckDB that can reach one directory and nothing else. */
export class DuckDbSession {
  private constructor(private readonly connection: DuckDBConnection) {}

  /** `ordered`: what is written has the order of what was read; without it DuckDB needs less memory. */
  static async open(
    limits: Omit<ChildSetup, 'task' | keyof FileLimits>,
    { ordered, maxTempBytes }: { ordered: boolean; maxTempBytes?: number },
  ): Promise<DuckDbSession> {
    const { memoryMb, threads, directory, tempDirectory } = limits;
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${memoryMb}MB`,
      threads: String(threads),
      temp_directory: tempDirectory,
      ...(maxTempBytes === undefined ? {} : { max_temp_directory_size: `${Math.ceil(maxTempBytes / 1_048_576)}MiB` }),
    });
    const session = new DuckDbSession(await instance.connect());
    for (const setting of [
      `TimeZone = 'UTC'`,
      `preserve_insertion_order = ${ordered}`,
      `autoinstall_known_extensions = false`,
      `autoload_known_extensions = false`,
      `allowed_directories = [${literal(directory)}]`,
      // From here on nothing can be opened up again.
      `enable_external_access = false`,
      `lock_configuration = true`,
    ]) {
      await session.run(`set ${setting}`);
    }
    return session;
  }

  /** Makes the running statement fail. */
  interrupt(): void {
    this.connection.interrupt();
  }

  async run(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** All rows; 64-bit numbers and decimals as strings. */
  async rows(sql: string, parameters: string[] = []): Promise<Row[]> {
    return (await this.connection.runAndReadAll(sql, parameters)).getRowObjectsJson();
  }

  /** All rows, by column, as the answers of queries have them. */
  async exactRows(sql: string): Promise<Json[][]> {
    return (await this.connection.runAndReadAll(sql)).convertRows(exactJson);
  }

  prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return this.connection.prepare(sql);
  }

  /** The only row of an aggregate, as numbers (counts are far below 2^53). */
  async numbers(sql: string): Promise<Record<string, number>> {
    const [row] = await this.rows(sql);
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
  }

  /** Names and types of what a SELECT gives. */
  async columns(select: string): Promise<{ name: string; type: string }[]> {
    const rows = await this.rows(`describe ${select}`);
    return rows.map((row) => ({ name: textOf(row.column_name), type: textOf(row.column_type) }));
  }
}
