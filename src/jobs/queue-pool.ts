import { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';
import { Client, Pool, type PoolConfig, type QueryResult } from 'pg';
import { QUEUE_SCHEMA } from '../database/migrate';

/**
 * What BullMQ takes for a connection pool. Its statements share one real pool. Its `connect()` is asked by each worker
 * for a connection to LISTEN on, kept for as long as it runs; here they all share a single one, so that the number of
 * connections does not grow with the number of queues.
 */
export class QueuePool {
  readonly options: PoolConfig;
  private readonly logger = new Logger(QueuePool.name);
  private readonly pool: Pool;
  private listener?: Promise<Listener>;

  constructor(databaseUrl: string, size: number) {
    this.options = {
      connectionString: databaseUrl,
      // The queue can be rebuilt from the operations at any time, so its commits need not wait for the disk.
      options: `-c search_path=${QUEUE_SCHEMA} -c synchronous_commit=off`,
      application_name: 'graphstead-queue',
      keepAlive: true,
      max: size,
    };
    this.pool = new Pool(this.options);
    this.pool.on('error', (error) => this.logger.warn(`Lost an idle connection: ${error.message}`));
  }

  query(text: string, parameters?: unknown[]): Promise<QueryResult> {
    return this.pool.query(text, parameters);
  }

  /** BullMQ listens for lost idle connections in each queue and worker; the pool itself says it once. */
  on(): this {
    return this;
  }

  async connect(): Promise<ListenerLease> {
    this.listener ??= Listener.open(this.options, () => (this.listener = undefined));
    try {
      return (await this.listener).lease();
    } catch (error) {
      this.listener = undefined;
      throw error;
    }
  }

  async end(): Promise<void> {
    const listener = await this.listener?.catch(() => undefined);
    await listener?.close();
    await this.pool.end();
  }
}

/** The connection that listens for all workers of a process. */
class Listener {
  private readonly leases = new Set<ListenerLease>();
  private last: Promise<unknown> = Promise.resolve();
  private gone = false;

  private constructor(
    private readonly client: Client,
    private readonly onLost: () => void,
  ) {
    client.on('notification', (message) => {
      for (const lease of this.leases) lease.emit('notification', message);
    });
    client.on('error', (error) => this.lost(error));
    client.on('end', () => this.lost(new Error('the connection for the queue has ended')));
  }

  static async open(options: PoolConfig, onLost: () => void): Promise<Listener> {
    const client = new Client(options);
    await client.connect();
    return new Listener(client, onLost);
  }

  lease(): ListenerLease {
    const lease = new ListenerLease(this, () => this.leases.delete(lease));
    this.leases.add(lease);
    return lease;
  }

  /** One statement after the other: a connection does one thing at a time. */
  query(text: string, parameters?: unknown[]): Promise<QueryResult> {
    const result = this.last.then(() => this.client.query(text, parameters));
    this.last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    this.gone = true;
    this.leases.clear();
    await this.client.end();
  }

  /** Every worker hears of it and asks for a connection again; the first one opens it. */
  private lost(error: Error): void {
    // A loss is told twice, as an error and as an end; by the second time the next connection may be there.
    if (this.gone) return;
    this.gone = true;
    this.onLost();
    const leases = [...this.leases];
    this.leases.clear();
    for (const lease of leases) if (lease.listenerCount('error') > 0) lease.emit('error', error);
  }
}

/** A worker's view of the shared connection. */
class ListenerLease extends EventEmitter {
  constructor(
    private readonly listener: Listener,
    readonly release: () => void,
  ) {
    super();
  }

  query(text: string, parameters?: unknown[]): Promise<QueryResult> {
    return this.listener.query(text, parameters);
  }
}
