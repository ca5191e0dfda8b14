import { integer, Setting, url } from '../config/setting';

/** Where the queue lives. It carries ids only: losing it loses nothing. */
export class QueueConfig {
  @Setting('QUEUE_URL', url('redis', 'rediss'), 'Redis or Valkey for the queue', 'the queue lives in the database')
  readonly queueUrl?: string = undefined;

  @Setting(
    'QUEUE_POOL_SIZE',
    integer({ min: 1, max: 100 }),
    'connections to the database that one process opens for the queue, beside one that listens',
  )
  readonly queuePoolSize: number = 4;
}
