import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Notifications } from '../database/notifications';
import type { AccessRow } from './access.repository';
import { AuthConfig } from './auth.config';

/** Sent by database triggers with every change that can end somebody's rights. */
export const ACCESS_CHANGED = 'access_changed';
const MAX_ENTRIES = 10_000;

interface Entry {
  row: AccessRow;
  until: number;
}

/**
 * Remembers, for seconds, what was found about callers. Every change of rights anywhere empties it: at once in the
 * process that made the change, within milliseconds in the others. It remembers nothing while news cannot arrive.
 */
@Injectable()
export class AccessCache implements OnModuleInit {
  private readonly entries = new Map<string, Entry>();
  /** Grows with each change: what was read before a change must not be kept after it. */
  private epoch = 0;

  constructor(
    private readonly notifications: Notifications,
    private readonly clock: Clock,
    private readonly config: AuthConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    (await this.notifications.listen(ACCESS_CHANGED)).subscribe(() => this.clear());
    this.notifications.reconnected.subscribe(() => this.clear());
  }

  /** Forgets everything. Call it after the commit of a change of rights, so that the very next request sees it. */
  clear(): void {
    this.epoch += 1;
    this.entries.clear();
  }

  /** What is known under `key`, else what `load` finds. Only what `worthKeeping` accepts is remembered. */
  async get(
    key: string,
    load: () => Promise<AccessRow | null>,
    worthKeeping: (row: AccessRow) => boolean,
  ): Promise<AccessRow | null> {
    if (!this.notifications.connected) return load();
    const now = this.clock.now().getTime();
    const known = this.entries.get(key);
    if (known && known.until > now) return known.row;
    const { epoch } = this;
    const row = await load();
    if (row && worthKeeping(row) && epoch === this.epoch) this.keep(key, row, now);
    return row;
  }

  private keep(key: string, row: AccessRow, now: number): void {
    if (this.config.accessCacheSeconds === 0) return;
    this.entries.delete(key);
    // A Map iterates in the order of insertion: the first one is the oldest.
    if (this.entries.size >= MAX_ENTRIES) this.entries.delete(this.entries.keys().next().value as string);
    this.entries.set(key, { row, until: now + this.config.accessCacheSeconds * 1000 });
  }
}
