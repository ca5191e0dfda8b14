import { integer, Setting } from '../config/setting';

/** How statements are let to the engine and watched. */
export class QueriesConfig {
  @Setting(
    'QUERY_CONCURRENCY',
    integer({ min: 2, max: 10_000 }),
    'queries of all graphs that the engine works on at once, in one process; one organisation gets at most half',
  )
  readonly concurrency: number = 128;

  @Setting('QUERY_MAX_WAITING', integer({ min: 1 }), 'queries of all graphs that may wait in line, in one process')
  readonly maxWaiting: number = 10_000;

  @Setting('QUERY_WAIT_SECONDS', integer({ min: 1, max: 3_600 }), 'longest time that a query waits in line')
  readonly waitSeconds: number = 30;

  @Setting(
    'QUERY_AUTO_WAIT_SECONDS',
    integer({ min: 1, max: 3_600 }),
    'a query with mode=auto whose turn has not come by then goes on as an operation',
  )
  readonly autoWaitSeconds: number = 10;

  @Setting(
    'QUERY_PARQUET_CONCURRENCY',
    integer({ min: 1, max: 64 }),
    'Parquet files of results that are written at once, in one process',
  )
  readonly parquetConcurrency: number = 4;

  @Setting('QUERY_SLOW_MS', integer({ min: 0 }), 'queries that take so long are listed as slow')
  readonly slowMs: number = 1_000;

  @Setting(
    'QUERY_BREAKER_FAILURES',
    integer({ min: 1 }),
    'failures of the engine in a row that close a graph for a moment',
  )
  readonly breakerFailures: number = 5;

  @Setting('QUERY_BREAKER_SECONDS', integer({ min: 1, max: 3_600 }), 'length of that moment')
  readonly breakerSeconds: number = 10;

  @Setting(
    'QUERY_JSON_MAX_MB',
    integer({ min: 1, max: 512 }),
    'size of one JSON answer; longer results are cut, say so, and can be streamed as NDJSON',
  )
  readonly jsonMaxMb: number = 32;

  @Setting(
    'QUERY_RESULT_HOURS',
    integer({ min: 1, max: 8_760 }),
    'time for which the result of an asynchronous query is kept',
  )
  readonly resultHours: number = 24;

  @Setting('QUERY_RESULT_MAX_MB', integer({ min: 1 }), 'size of one such result; a query with a larger one fails')
  readonly resultMaxMb: number = 4_096;

  @Setting('QUERY_RESULT_SWEEP_SECONDS', integer({ min: 1 }), 'how often expired results are looked for')
  readonly resultSweepSeconds: number = 60;
}
