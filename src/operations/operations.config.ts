import { integer, Setting } from '../config/setting';

/** The event streams of operations. */
export class OperationsConfig {
  @Setting('STREAM_PING_SECONDS', integer({ min: 1, max: 300 }), 'silence on an event stream before a comment is sent')
  readonly streamPingSeconds: number = 10;

  @Setting(
    'STREAM_RETRY_MS',
    integer({ min: 100, max: 60_000 }),
    'wait before a client connects again; up to as much is added by chance',
  )
  readonly streamRetryMs: number = 1_000;

  @Setting(
    'MAX_STREAMS_PER_USER',
    integer({ min: 1, max: 100_000 }),
    'event streams that one user may have open, over all processes',
  )
  readonly maxStreamsPerUser: number = 100;
}
