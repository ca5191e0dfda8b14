import type { DuckDbSession } from './duckdb-session';
import { TaskError } from './task-error';

/** Milliseconds with three digits, since a moment of `performance.now()`. */
export function millisecondsSince(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}

/**
 * Runs statements for somebody who waits: interrupts them after `timeoutMs`. Throws {@link TaskError} with a code for
 * users: `query_timeout`, `query_out_of_memory`, `sql_invalid`, `sql_refused`.
 */
export async function inTime<T>(session: DuckDbSession, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    session.interrupt();
  }, timeoutMs);
  try {
    return await work();
  } catch (error) {
    if (timedOut) throw new TaskError({ code: 'query_timeout', message: '' });
    throw sqlFailure(error);
  } finally {
    clearTimeout(timer);
  }
}

/** DuckDB says well what is wrong with a statement; words about the machine are left out. */
function sqlFailure(error: unknown): unknown {
  const message = error instanceof Error ? error.message : '';
  if (/out of memory/i.test(message)) return new TaskError({ code: 'query_out_of_memory', message: '' });
  if (/^Permission Error/.test(message)) {
    return new TaskError({ code: 'sql_refused', message: 'Files are not available on staging tables' });
  }
  const known =
    /^(Parser|Binder|Catalog|Conversion|Invalid Input|Out of Range|Mismatch Type|Not implemented|Constraint) Error: /;
  if (!known.test(message) || /read_parquet|\.parquet/.test(message)) return error;
  return new TaskError({ code: 'sql_invalid', message });
}
