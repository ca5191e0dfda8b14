import { integer, Setting } from '../config/setting';

export class QueriesConfig {
  @Setting(
    'QUERY_JSON_MAX_MB',
    integer({ min: 1, max: 512 }),
    'size of one JSON answer; longer results are cut, say so, and can be streamed as NDJSON',
  )
  readonly jsonMaxMb: number = 32;
}
