import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Client } from 'pg';
import { filter, map, type Observable, Subject } from 'rxjs';
import type { EntityManager } from 'typeorm';
import { DATABASE_URL } from './database.tokens';

interface Heard {
  channel: string;
  payload: string;
}

/** A `Heard` with this channel says that notifications may have been missed: read the truth again. */
const RECONNECTED = '';
const RETRY_MS = 500;

/**
 * The one LISTEN connection of a process, shared by everybody who waits for news from Postgres. After a lost
 * connection it comes back by itself and tells its listeners, because what was sent meanwhile is gone.
 */
@Injectable()
export class Notifications implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Notifications.name);
  private readonly heard = new Subject<Heard>();
  private readonly channels = new Set<string>();
  private client?: Client;
  private stopped = false;
  private retry?: NodeJS.Timeout;

  constructor(@Inject(DATABASE_URL) private readonly databaseUrl: string) {}

  async onModuleInit(): Promise<void> {
    await this.connect();
  }

  /** Payloads sent on a channel from now on. Names of channels are ours, never a user's. */
  async listen(channel: string): Promise<Observable<string>> {
    if (!this.channels.has(channel)) {
      this.channels.add(channel);
      await this.client?.query(`listen ${channel}`);
    }
    return this.heard.pipe(
      filter((heard) => heard.channel === channel),
      map((heard) => heard.payload),
    );
  }

  /** Whether news arrives at all: without it, nothing may be remembered that news would change. */
  get connected(): boolean {
    return this.client !== undefined;
  }

  /** Fires each time the connection is back after a loss. */
  get reconnected(): Observable<void> {
    return this.heard.pipe(
      filter((heard) => heard.channel === RECONNECTED),
      map(() => undefined),
    );
  }

  /** Sends with the commit of the transaction; a rollback sends nothing. Payloads stay below Postgres' 8,000 bytes. */
  async notify(em: EntityManager, channel: string, payload: string): Promise<void> {
    await em.query('select pg_notify($1, $2)', [channel, payload]);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    this.heard.complete();
    await this.client?.end().catch((error: Error) => this.logger.debug(`closing: ${error.message}`));
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.databaseUrl,
      keepAlive: true,
      application_name: 'graphstead-listen',
    });
    client.on('notification', ({ channel, payload }) => this.heard.next({ channel, payload: payload ?? '' }));
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client, new Error('connection ended')));
    await client.connect();
    for (const channel of this.channels) await client.query(`listen ${channel}`);
    this.client = client;
  }

  private lost(client: Client, error: Error): void {
    if (this.stopped || this.client !== client) return;
    this.client = undefined;
    this.logger.warn(`Lost the connection for notifications (${error.message}); connecting again`);
    this.reconnectLater();
  }

  private reconnectLater(): void {
    this.retry = setTimeout(() => {
      this.connect().then(
        () => this.heard.next({ channel: RECONNECTED, payload: '' }),
        () => {
          if (!this.stopped) this.reconnectLater();
        },
      );
    }, RETRY_MS);
  }
}
