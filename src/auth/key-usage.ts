import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Transactor } from '../database/transactor';

const FLUSH_EVERY_MS = 60_000;

/** Collects when API keys were last used and writes it at most once a minute, so that no request waits for it. */
@Injectable()
export class KeyUsage implements OnApplicationShutdown {
  private readonly logger = new Logger(KeyUsage.name);
  private used = new Map<string, Date>();
  private timer?: NodeJS.Timeout;

  constructor(private readonly transactor: Transactor) {}

  /** Notes a use. Costs one map write. */
  touch(apiKeyId: string, at: Date): void {
    this.used.set(apiKeyId, at);
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_EVERY_MS).unref();
  }

  /** Writes what was noted so far. A failure costs only this minute's times and is logged. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.used.size === 0) return;
    const batch = [...this.used];
    this.used = new Map();
    try {
      await this.transactor.em.query(
        `update api_key set last_used_at = greatest(last_used_at, used.at)
         from unnest($1::uuid[], $2::timestamptz[]) as used(id, at) where api_key.id = used.id`,
        [batch.map(([id]) => id), batch.map(([, at]) => at)],
      );
    } catch (error) {
      this.logger.warn(`Cannot write when API keys were last used: ${(error as Error).message}`);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush();
  }
}
