import { integer, Setting } from '../config/setting';

export class QueriesConfig {
  @Setting('QUERY_TIMEOUT_SECONDS', integer({ min: 1, max: 3_600 }), 'longest time that a query may ask for')
  readonly maxTimeoutSeconds: number = 300;

  @Setting(
    'QUERY_JSON_MAX_ROWS',
    integer({ min: 1 }),
    'rows in one JSON answer; longer results are cut, say so, and can be streamed as NDJSON',
  )
  readonly jsonMaxRows: number = 10_000;

  @Setting(
    'QUERY_JSON_MAX_MB',
    integer({ min: 1, max: 512 }),
    'size of one JSON answer; longer results are cut, say so, and can be streamed as NDJSON',
  )
  readonly jsonMaxMb: number = 32;
}
