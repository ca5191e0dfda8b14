import { EngineBusy, EngineLost } from '../engine.errors';

/** What the pool needs to know of a host. */
export interface PooledHost {
  readonly ended: Promise<void>;
  memoryBytes(): number | null;
  /** Whether it should be replaced by a new one. */
  worn(): boolean;
  close(): Promise<void>;
}

export interface PoolOptions {
  maxHosts: number;
  idleCloseMs: number;
  /** No further host is opened while all together hold more; the longest idle makes room. */
  totalBytes: number;
}

/** The right to use a host; it stays open at least until `release`. */
export interface Lease<H> {
  host: H;
  release(): void;
}

interface Entry<H> {
  key: string;
  starting: Promise<H>;
  host?: H;
  leases: number;
  idleSince: number;
  idleTimer?: NodeJS.Timeout;
  closing?: Promise<void>;
}

/**
 * The one registry of open graphs. A key (real path of a generation's directory) has at most one host, however many ask
 * at once; at most `maxHosts` are open, the longest idle making room. Who finds no room waits, then gets {@link EngineBusy}.
 * A worn host takes no newcomers: the next one gets a new host, and the old one closes when its queries have ended. (Hosts
 * only read, so two of them may have a file open.)
 */
export class HostPool<H extends PooledHost> {
  private readonly entries = new Map<string, Entry<H>>();
  /** Worn hosts that finish what they have begun; their key may have a new host already. */
  private readonly retired = new Set<Entry<H>>();
  private readonly waiting = new Set<() => void>();
  private closed = false;

  constructor(
    private readonly options: PoolOptions,
    private readonly start: (key: string) => Promise<H>,
  ) {}

  /** The host of a key, started if it sleeps. Waits up to `waitMs` for room. Throws what starting throws. */
  async acquire(key: string, waitMs: number): Promise<Lease<H>> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      if (this.closed) throw new EngineLost();
      const entry = this.entries.get(key) ?? this.tryCreate(key);
      if (entry?.closing) await entry.closing;
      else if (entry) return this.lease(entry);
      else await this.room(deadline);
    }
  }

  /** Takes over a host that was started elsewhere and is not in use; false where there is no room for it, or one already. */
  offer(key: string, host: H): boolean {
    if (this.closed || this.entries.has(key)) return false;
    if (this.entries.size >= this.options.maxHosts || this.holdsTooMuch()) return false;
    const entry = this.enter(key, Promise.resolve(host));
    this.attach(entry, host);
    this.closeWhenIdle(entry);
    return true;
  }

  peek(key: string): { host: H | undefined; leases: number } | undefined {
    const entry = this.entries.get(key);
    return entry && { host: entry.host, leases: entry.leases };
  }

  get size(): number {
    return this.entries.size;
  }

  /** Waits up to `graceMs` for the leases of a key to end, then closes its host; newcomers wait for that. */
  async evict(key: string, graceMs: number): Promise<void> {
    const entries = [...this.retired].filter((entry) => entry.key === key);
    const current = this.entries.get(key);
    if (current) entries.push(current);
    await Promise.all(entries.map((entry) => (entry.closing ??= this.drain(entry, graceMs))));
  }

  /** Closes every host, and for good. */
  async closeAll(graceMs: number): Promise<void> {
    this.closed = true;
    this.wakeWaiting();
    const keys = new Set([...this.entries.values(), ...this.retired].map((entry) => entry.key));
    await Promise.all([...keys].map((key) => this.evict(key, graceMs)));
  }

  private async lease(entry: Entry<H>): Promise<Lease<H>> {
    entry.leases += 1;
    clearTimeout(entry.idleTimer);
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.giveBack(entry);
    };
    try {
      return { host: await entry.starting, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  private giveBack(entry: Entry<H>): void {
    entry.leases -= 1;
    if (this.entries.get(entry.key) === entry && entry.host && !entry.closing && entry.host.worn()) this.retire(entry);
    if (entry.leases > 0) return;
    entry.idleSince = performance.now();
    if (this.retired.has(entry)) entry.closing ??= this.shut(entry);
    else if (this.entries.get(entry.key) === entry && entry.host && !entry.closing) this.closeWhenIdle(entry);
    this.wakeWaiting();
  }

  private retire(entry: Entry<H>): void {
    this.entries.delete(entry.key);
    this.retired.add(entry);
  }

  private closeWhenIdle(entry: Entry<H>): void {
    entry.idleTimer = setTimeout(() => {
      if (entry.leases === 0) entry.closing ??= this.shut(entry);
    }, this.options.idleCloseMs);
    entry.idleTimer.unref();
  }

  /** Synchronous from look to entry, so two callers can never start two hosts. */
  private tryCreate(key: string): Entry<H> | undefined {
    if (this.entries.size >= this.options.maxHosts || this.holdsTooMuch()) return undefined;
    const entry = this.enter(key, this.start(key));
    entry.starting.then(
      (host) => this.attach(entry, host),
      () => this.remove(entry),
    );
    return entry;
  }

  private enter(key: string, starting: Promise<H>): Entry<H> {
    const entry: Entry<H> = { key, starting, leases: 0, idleSince: performance.now() };
    this.entries.set(key, entry);
    return entry;
  }

  private attach(entry: Entry<H>, host: H): void {
    entry.host = host;
    void host.ended.then(() => this.remove(entry));
  }

  /** The first host is opened in any case. */
  private holdsTooMuch(): boolean {
    const bytes = [...this.entries.values()].reduce((sum, { host }) => sum + (host?.memoryBytes() ?? 0), 0);
    return bytes > this.options.totalBytes;
  }

  private remove(entry: Entry<H>): void {
    clearTimeout(entry.idleTimer);
    this.retired.delete(entry);
    if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key);
    this.wakeWaiting();
  }

  private async room(deadline: number): Promise<void> {
    const idle = [...this.entries.values()].filter((entry) => entry.leases === 0 && !entry.closing);
    const oldest = idle.sort((a, b) => a.idleSince - b.idleSince)[0];
    if (oldest) {
      oldest.closing = this.shut(oldest);
      return oldest.closing;
    }
    const remaining = deadline - Date.now();
    if (remaining <= 0) throw new EngineBusy();
    let wake!: () => void;
    const woken = new Promise<void>((resolve) => (wake = resolve));
    const timer = setTimeout(wake, remaining);
    this.waiting.add(wake);
    await woken;
    this.waiting.delete(wake);
    clearTimeout(timer);
  }

  private async drain(entry: Entry<H>, graceMs: number): Promise<void> {
    const deadline = Date.now() + graceMs;
    while (entry.leases > 0 && Date.now() < deadline) {
      let wake!: () => void;
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const timer = setTimeout(wake, deadline - Date.now());
      this.waiting.add(wake);
      await woken;
      this.waiting.delete(wake);
      clearTimeout(timer);
    }
    await this.shut(entry);
  }

  private async shut(entry: Entry<H>): Promise<void> {
    clearTimeout(entry.idleTimer);
    try {
      const host = await entry.starting;
      await host.close();
    } catch {
      // It never started; whoever asked for it has been told why.
    }
    this.remove(entry);
  }

  private wakeWaiting(): void {
    for (const wake of this.waiting) wake();
  }
}
