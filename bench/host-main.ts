import { statSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { Connection, Database, type LbugValue, type QueryResult } from '@ladybugdb/core';
import { FrameChannel } from '../src/engine/ladybug/frames';
import { ExactStatements } from '../src/engine/ladybug/exact-statements';
import { HostQuery } from '../src/engine/ladybug/host-query';
import { Lanes } from '../src/engine/ladybug/lanes';
import { answerParent } from './lib/child';

export type HostQuestion =
  | { kind: 'ready' }
  | { kind: 'open'; file: string; bufferPoolBytes: number; maxDatabaseBytes: number; threads: number }
  /** Runs a prepared statement once for each set of parameters; answers the milliseconds of each. */
  | { kind: 'prepared'; statement: string; parameters: Record<string, LbugValue>[] }
  /** Runs the host's own query and serialiser, and throws the bytes away. */
  | { kind: 'serialise'; statement: string; timeoutMs: number }
  /** Has the engine export the statement's result as Parquet; answers milliseconds and bytes. */
  | { kind: 'copy'; statement: string; file: string };

let database: Database | undefined;
let connection: Connection | undefined;
let lanes: Lanes | undefined;

/** What a host does, without its process boundary: the bare binding, and the host's own code with nobody to send to. */
answerParent<HostQuestion>((question) => {
  switch (question.kind) {
    case 'ready':
      return Promise.resolve();
    case 'open':
      return open(question);
    case 'prepared':
      return runPrepared(question.statement, question.parameters);
    case 'serialise':
      return serialise(question.statement, question.timeoutMs);
    case 'copy':
      return copy(question.statement, question.file);
  }
});

async function open({ file, bufferPoolBytes, maxDatabaseBytes, threads }: HostQuestion & { kind: 'open' }) {
  const opened = new Database(file, bufferPoolBytes, true, true, maxDatabaseBytes, false);
  await opened.init();
  database = opened;
  connection = new Connection(opened, threads);
  await connection.init();
  lanes = await Lanes.open(1, () => new Connection(opened, threads));
}

async function runPrepared(statement: string, parameters: Record<string, LbugValue>[]): Promise<number[]> {
  const prepared = await connection!.prepare(statement);
  const times: number[] = [];
  for (const values of parameters) {
    const started = performance.now();
    const result = (await connection!.execute(prepared, values)) as QueryResult;
    const rows = await result.getAll();
    times.push(performance.now() - started);
    if (rows.length !== 1) throw new Error(`${rows.length} rows instead of one`);
    result.close();
  }
  return times;
}

async function copy(statement: string, file: string): Promise<{ ms: number; bytes: number }> {
  const started = performance.now();
  const result = (await connection!.query(`COPY (${statement}) TO '${file}'`)) as QueryResult;
  const ms = performance.now() - started;
  result.close();
  return { ms, bytes: statSync(file).size };
}

async function serialise(statement: string, timeoutMs: number): Promise<{ ms: number; bytes: number }> {
  if (!database || !lanes) throw new Error('No file is open');
  let bytes = 0;
  const nowhere = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  const channel = new FrameChannel(nowhere, () => undefined);
  const credit = Number.MAX_SAFE_INTEGER;
  const message = { statement, parameters: {}, timeoutMs, format: 'json' as const, credit };
  const started = performance.now();
  await new HostQuery(1, message, channel, new ExactStatements(), () => Promise.resolve(new Map())).run(lanes);
  return { ms: performance.now() - started, bytes };
}
