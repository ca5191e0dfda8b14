import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { GraphUnreadable } from '../engine/engine.errors';
import { type GenerationRef, GraphEngine, type QueryRequest, type ReadApart } from '../engine/graph-engine';
import { csvOf } from '../queries/csv-answers';
import { storedRows } from '../queries/row-batches';
import type { GraphSchema } from '../schemas/graph-schema';
import { StagingEngine } from '../staging/duckdb/staging-engine';
import type { BackupFormat } from './backup.entity';
import type { ExportedTable } from './backup-manifest';
import type { ArchiveSource } from './backup-archive';
import { BackupsConfig } from './backups.config';
import { type Counts, exportPlan, type PlannedTable, type Reading } from './export-plan';

export type ExportFormat = Exclude<BackupFormat, 'full_dump'>;

/** Where the files of the tables are inside the archive of an export. */
export const DATA_FOLDER = 'data/';

const EXTENSIONS: Record<ExportFormat, string> = { csv: 'csv', json: 'ndjson', parquet: 'parquet' };
/** One part of a table; far more than it takes, since only the operation's own time is a limit. */
const PART_TIMEOUT_MS = 3_600_000;

export interface ExportJob {
  schema: GraphSchema;
  /** What the generation was counted to hold. */
  counts: Counts;
  format: ExportFormat;
  /** Gets the files. */
  directory: string;
  signal: AbortSignal;
  /** Rows of all tables that were written so far. */
  onRows: (rows: number) => void;
}

/** Writes all tables of a generation as files for other programs, with the values of queries' answers. */
@Injectable()
export class GraphExports {
  constructor(
    private readonly engine: GraphEngine,
    private readonly staging: StagingEngine,
    private readonly config: BackupsConfig,
  ) {}

  /** Throws `GraphUnreadable` where other rows are read than were counted. */
  async write(source: GenerationRef, job: ExportJob): Promise<{ tables: ExportedTable[]; sources: ArchiveSource[] }> {
    await mkdir(job.directory, { recursive: true });
    const tables: ExportedTable[] = [];
    const sources: ArchiveSource[] = [{ name: 'schema.json', content: JSON.stringify(job.schema, null, 2) }];
    await this.engine.readApart(
      source,
      async (query) => {
        let before = 0;
        for (const table of exportPlan(job.schema, job.counts)) {
          const { path, rows } = await this.writeTable(query, table, {
            ...job,
            onRows: (some) => job.onRows(before + some),
          });
          before += rows;
          const { table: name, kind, columns } = table;
          const file = `${DATA_FOLDER}${name}.${EXTENSIONS[job.format]}`;
          tables.push({ table: name, kind, file, rows, columns });
          sources.push({ name: file, content: { path, bytes: (await stat(path)).size } });
        }
      },
      { signal: job.signal },
    );
    return { tables, sources };
  }

  private async writeTable(
    query: ReadApart,
    { table, kind, columns, readings }: PlannedTable,
    { counts, format, directory, signal, onRows }: ExportJob,
  ): Promise<{ path: string; rows: number }> {
    const expected = (kind === 'node' ? counts.nodes : counts.relationships)[table] ?? 0;
    let rows = 0;
    const { exportRows: most } = this.config;
    const lines = linesOf(query, expected === 0 ? [] : readings, {
      expected,
      most,
      onRows: (some) => onRows((rows += some)),
    });
    const path = join(directory, `${table}.${EXTENSIONS[format]}`);
    const text = format === 'parquet' ? join(directory, `${table}.ndjson`) : path;
    const content = format === 'csv' ? csvOf(columns, storedRows(lines)) : Readable.from(lines, { objectMode: false });
    await pipeline(content, createWriteStream(text, { flags: 'wx', mode: 0o600 }), { signal });
    if (rows !== expected) throw new GraphUnreadable();
    if (format === 'parquet') {
      await this.staging.run({ task: 'write_result', input: text, output: path, columns }, { directory, signal });
      await rm(text);
    }
    return { path, rows };
  }
}

/** The rows as lines of JSON; of a large table some nodes at a time. */
async function* linesOf(
  query: ReadApart,
  readings: Reading[],
  { expected, most, onRows }: { expected: number; most: number; onRows: (rows: number) => void },
): AsyncGenerator<Buffer> {
  const request = (statement: string, parameters: QueryRequest['parameters']): QueryRequest => ({
    statement,
    parameters,
    timeoutMs: PART_TIMEOUT_MS,
    format: 'ndjson',
  });
  const read = async function* (statement: string, parameters: QueryRequest['parameters'] = {}) {
    const stream = await query(request(statement, parameters));
    for await (const { rows, bytes } of stream.batches) {
      onRows(rows);
      yield bytes;
    }
  };
  for (const { placesStatement, statement, partStatement, rowsPerNode } of readings) {
    if (expected <= most) {
      yield* read(statement);
      continue;
    }
    const last = await lastPlace(await query(request(placesStatement, {})));
    const step = Math.max(1, Math.floor(most / Math.max(1, rowsPerNode)));
    for (let first = 0; first <= last; first += step) yield* read(partStatement, { first, next: first + step });
  }
}

/** -1 where there is no node. */
async function lastPlace({ batches }: Awaited<ReturnType<ReadApart>>): Promise<number> {
  const lines: Buffer[] = [];
  for await (const { bytes } of batches) lines.push(bytes);
  const { last } = JSON.parse(Buffer.concat(lines).toString()) as { last: number | null };
  return last ?? -1;
}
