import { createInterface } from 'node:readline';
import { assertNever } from '../../common/assert-never';
import { DuckDbSession } from './duckdb-session';
import type { ChildMessage, ChildSetup, FileLimits, Job, ResultOf, TaskFailure } from './messages';
import { exportRejects } from './export-rejects';
import { prepareTables } from './prepare-tables';
import { profileTable } from './profile-table';
import { queryTables } from './query-tables';
import { stageFile } from './stage-file';
import { TaskError } from './task-error';
import { writeResult } from './write-result';

/**
 * The program of a staging process: a line on stdin to get ready by, one with the job, lines of JSON to stdout, then the
 * end. When stdin ends before that, nobody waits for the answer any more, and the work stops.
 */
async function main({ task, ...limits }: ChildSetup, told: Promise<Job>): Promise<void> {
  try {
    const session = await DuckDbSession.open(limits, {
      ordered: task !== 'prepare',
      maxTempBytes: task === 'stage' ? limits.maxInflatedBytes : undefined,
    });
    orphaned = () => session.interrupt();
    await send({ type: 'done', result: await perform(session, await told, limits) });
  } catch (error) {
    if (!(error instanceof TaskError)) console.error(error);
    await send({ type: 'failed', failure: failureOf(error) });
  }
}

function perform(session: DuckDbSession, job: Job, limits: FileLimits): Promise<ResultOf<Job>> {
  switch (job.task) {
    case 'stage':
      return stageFile(session, job, limits);
    case 'prepare':
      return prepareTables(session, job, (progress) => void send({ type: 'progress', progress }));
    case 'query':
      return queryTables(session, job);
    case 'export':
      return exportRejects(session, job);
    case 'profile':
      return profileTable(session, job);
    case 'write_result':
      return writeResult(session, job);
    default:
      return assertNever(job);
  }
}

/** Ends what runs; a thread in the middle of a statement would hold the exit up. */
let orphaned = () => {};

function send(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()));
}

function failureOf(error: unknown): TaskFailure {
  if (error instanceof TaskError) return error.failure;
  const message = error instanceof Error ? error.message : '';
  if (/out of memory/i.test(message)) {
    return {
      code: 'staging_out_of_memory',
      message: 'The data needs more memory than one staging task may use (STAGING_MEMORY_MB)',
    };
  }
  if (/no space left|ENOSPC/i.test(message)) return { code: 'storage_full', message: 'The storage is full' };
  return { code: 'internal', message: 'The staging task failed' };
}

const input = createInterface({ input: process.stdin });
input.once('line', (setup) => {
  const told = new Promise<Job>((resolve) => input.once('line', (job) => resolve(JSON.parse(job) as Job)));
  // Ends at once: closing DuckDB in order would only cost time, nothing of it is kept.
  void main(JSON.parse(setup) as ChildSetup, told).then(() => process.exit(0));
});
input.once('close', () => {
  orphaned();
  process.exit(1);
});
// Its reader is gone; the end of stdin says the same.
process.stdout.on('error', () => undefined);
