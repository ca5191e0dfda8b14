import { BYTES_PER_MB } from '../common/units';
import { integer, Setting, text } from '../config/setting';

/** Uploads, and the processes that read them. */
export class StagingConfig {
  @Setting('STAGING_MAX_INFLATED_MB', integer({ min: 1, max: 1_048_576 }), 'what a compressed file may hold')
  readonly maxInflatedMb: number = 10_240;

  @Setting('STAGING_MAX_ROWS', integer({ min: 1 }), 'rows of one file')
  readonly maxRows: number = 1_000_000_000;

  @Setting(
    'STAGING_MEMORY_MB',
    integer({ min: 128 }),
    'memory of DuckDB in one staging process; beyond it goes to disk',
  )
  readonly memoryMb: number = 1024;

  @Setting('STAGING_THREADS', integer({ min: 1, max: 256 }), 'threads of one staging process')
  readonly threads: number = 2;

  @Setting('PART_SWEEP_SECONDS', integer({ min: 1, max: 86_400 }), 'how often parts that no file has are looked for')
  readonly partSweepSeconds: number = 600;

  @Setting('REJECTS_RETENTION_DAYS', integer({ min: 1, max: 3_650 }), 'how long the rows that a load refused are kept')
  readonly rejectsRetentionDays: number = 30;

  @Setting(
    'PENDING_UPLOAD_HOURS',
    integer({ min: 1, max: 8_760 }),
    'after the end of its link a file that never came is forgotten',
  )
  readonly pendingUploadHours: number = 24;

  @Setting(
    'STRAY_UPLOAD_HOURS',
    integer({ min: 1, max: 8_760 }),
    'so old must what was sent be, and in no use, to be removed',
  )
  readonly strayUploadHours: number = 24;

  @Setting('TABLE_QUERY_TIMEOUT_SECONDS', integer({ min: 1, max: 600 }), 'time of one SQL statement on staging tables')
  readonly queryTimeoutSeconds: number = 30;

  @Setting('TABLE_QUERY_MAX_MB', integer({ min: 1, max: 64 }), 'size of one page of its rows')
  readonly queryMaxMb: number = 8;

  @Setting('TABLE_QUERY_CONCURRENCY', integer({ min: 1, max: 64 }), 'such statements at once in one process')
  readonly queryConcurrency: number = 2;

  @Setting('UPLOAD_LINK_SECONDS', integer({ min: 10, max: 604_800 }), 'how long an upload link may be used')
  readonly linkSeconds: number = 3600;

  @Setting(
    'UPLOAD_SIGNING_SECRET',
    text(),
    'secret that signs upload links, the same for all API processes',
    'made once and kept in the database',
  )
  readonly signingSecret?: string = undefined;

  get maxInflatedBytes(): number {
    return this.maxInflatedMb * BYTES_PER_MB;
  }
}
