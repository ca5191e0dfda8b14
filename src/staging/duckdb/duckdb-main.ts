import { text } from 'node:stream/consumers';
import { DuckDbSession } from './duckdb-session';
import type { ChildInput, ChildMessage, TaskFailure } from './messages';
import { prepareTables } from './prepare-tables';
import { stageFile } from './stage-file';
import { TaskError } from './task-error';

/** The program of a staging process: one task from stdin, lines of JSON to stdout, then the end. */
async function main(): Promise<void> {
  const { job, ...limits } = JSON.parse(await text(process.stdin)) as ChildInput;
  try {
    const session = await DuckDbSession.open(limits, { ordered: job.task === 'stage' });
    const result =
      job.task === 'stage'
        ? await stageFile(session, job)
        : await prepareTables(session, job, (progress) => void send({ type: 'progress', progress }));
    await send({ type: 'done', result });
  } catch (error) {
    if (!(error instanceof TaskError)) console.error(error);
    await send({ type: 'failed', failure: failureOf(error) });
  }
}

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

// Ends at once: closing DuckDB in order would only cost time, nothing of it is kept.
void main().then(() => process.exit(0));
