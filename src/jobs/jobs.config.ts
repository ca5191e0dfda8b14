import { integer, names, Setting } from '../config/setting';

/** How workers hold operations and how sensors look after them. */
export class JobsConfig {
  @Setting(
    'WORKER_OPERATIONS',
    names(),
    'operation types that a process with the role worker takes, joined by commas',
    'every type',
  )
  readonly workerOperations?: string[] = undefined;

  @Setting(
    'LEASE_SECONDS',
    integer({ min: 2, max: 3600 }),
    "time after which a silent worker's operation is given to another",
  )
  readonly leaseSeconds: number = 10;

  @Setting(
    'LEASE_RENEW_SECONDS',
    integer({ min: 1, max: 1200 }),
    'how often a worker renews its leases; at most half of LEASE_SECONDS',
  )
  readonly leaseRenewSeconds: number = 3;

  @Setting(
    'BLOCKED_LOOP_SECONDS',
    integer({ min: 0, max: 3600 }),
    'time that work may block the event loop of a worker before its operations go to others; 0: LEASE_SECONDS',
  )
  readonly blockedLoopSeconds: number = 60;

  @Setting(
    'ABORT_GRACE_SECONDS',
    integer({ min: 0, max: 300 }),
    'time that cancelled work gets to stop before its operation ends without it',
  )
  readonly abortGraceSeconds: number = 1;

  @Setting('REAPER_SECONDS', integer({ min: 1, max: 3600 }), 'how often expired leases are looked for')
  readonly reaperSeconds: number = 2;

  @Setting(
    'SWEEPER_SECONDS',
    integer({ min: 1, max: 3600 }),
    'how often pending operations that the queue does not have are looked for',
  )
  readonly sweeperSeconds: number = 2;

  @Setting(
    'RESEND_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'time that an operation waits in the queue before the queue is told of it again',
  )
  readonly resendSeconds: number = 30;

  @Setting(
    'UNKNOWN_TYPE_SECONDS',
    integer({ min: 1, max: 604_800 }),
    'time that an operation of a type which no process runs waits for a version that does, before it is a dead letter',
  )
  readonly unknownTypeSeconds: number = 600;

  @Setting('UNKNOWN_TYPE_CHECK_SECONDS', integer({ min: 1, max: 3600 }), 'how often such operations are looked for')
  readonly unknownTypeCheckSeconds: number = 60;

  @Setting(
    'OPERATION_RETENTION_DAYS',
    integer({ min: 1, max: 36_500 }),
    'days that operations of every type are kept after their end',
    'as each type says, mostly 30',
  )
  readonly retentionDays?: number = undefined;

  @Setting('RETENTION_CHECK_SECONDS', integer({ min: 1, max: 86_400 }), 'how often older ones are looked for')
  readonly retentionCheckSeconds: number = 600;
}
