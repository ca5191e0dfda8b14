import { Connection, Database } from '@ladybugdb/core';
import { answerParent } from './lib/child';
import { timed } from './lib/stats';

export interface CopyQuestion {
  file: string;
  definitions: string[];
  copies: { table: string; statement: string }[];
  bufferPoolBytes: number;
  maxDatabaseBytes: number;
  threads: number;
}

export interface CopyAnswer {
  tables: { table: string; ms: number }[];
  /** The COPY statements alone. */
  copyMs: number;
  /** Writing to the main file and closing, which COPY leaves for later. */
  checkpointMs: number;
  closeMs: number;
  /** CPU time of the whole process, start included. */
  cpuMs: number;
}

/** The engine alone: the bare binding, opened as the platform's loader opens it, copies ready files into a new database. */
answerParent<CopyQuestion>(async ({ file, definitions, copies, bufferPoolBytes, maxDatabaseBytes, threads }) => {
  const database = new Database(file, bufferPoolBytes, true, false, maxDatabaseBytes, true);
  await database.init();
  const connection = new Connection(database, threads);
  await connection.init();
  for (const definition of definitions) await connection.query(definition);
  const tables: CopyAnswer['tables'] = [];
  for (const { table, statement } of copies) {
    tables.push({ table, ms: (await timed(() => connection.query(statement))).ms });
  }
  const { ms: checkpointMs } = await timed(() => connection.query('CHECKPOINT'));
  const { ms: closeMs } = await timed(async () => {
    await connection.close();
    await database.close();
  });
  const { user, system } = process.cpuUsage();
  const copyMs = tables.reduce((sum, { ms }) => sum + ms, 0);
  return { tables, copyMs, checkpointMs, closeMs, cpuMs: (user + system) / 1000 } satisfies CopyAnswer;
});
