import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import { OperationsConfig } from './operations.config';
import { TooManyStreams } from './operations.errors';

/** How often a process says that it is alive, while it has streams at all. */
const HEARTBEAT_MS = 10_000;
/** A process that was silent for so long is dead: its streams do not count. */
const STALE = '30 seconds';

interface Waiting {
  readonly admitted: () => void;
  readonly refused: (error: Error) => void;
}

/** The streams of one user on this process. */
interface UserStreams {
  open: number;
  /** What the table was last told. */
  told: number;
  readonly waiting: Waiting[];
  telling: boolean;
}

/**
 * Counts the event streams of each user over all processes. The table holds one row for each user and process; whoever
 * comes while a statement is on its way shares the next one, so thousands of streams cost few statements.
 */
@Injectable()
export class StreamCounts implements BeforeApplicationShutdown {
  private readonly logger = new Logger(StreamCounts.name);
  private readonly processId = randomUUID();
  private readonly users = new Map<string, UserStreams>();
  private heartbeat?: NodeJS.Timeout;
  private stopped = false;

  constructor(
    private readonly tx: Transactor,
    private readonly config: OperationsConfig,
  ) {}

  /** Counts one stream; call the returned function when it closes. Throws {@link TooManyStreams}. */
  async admit(userId: string): Promise<() => void> {
    if (this.stopped) throw new Error('This process is shutting down');
    const user = this.users.get(userId) ?? { open: 0, told: 0, waiting: [], telling: false };
    this.users.set(userId, user);
    this.heartbeat ??= setInterval(() => void this.beat(), HEARTBEAT_MS).unref();
    await new Promise<void>((admitted, refused) => {
      user.waiting.push({ admitted, refused });
      this.tell(userId, user);
    });
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      user.open -= 1;
      this.tell(userId, user);
    };
  }

  /** Streams that are open on this process, of all users. */
  get openCount(): number {
    return [...this.users.values()].reduce((sum, { open }) => sum + open, 0);
  }

  /** Takes this process out of the count at once; its clients are about to connect elsewhere. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.heartbeat);
    if (this.users.size === 0) return;
    await this.tx.em.query('delete from stream_count where process_id = $1', [this.processId]).catch((error: Error) => {
      this.logger.debug(`Not counted off: ${error.message}`);
    });
  }

  /** Says that this process is alive, forgets dead ones, and finds out whether its own rows are all there. */
  async beat(): Promise<void> {
    try {
      const seen = await this.tx.em.query<{ userId: string }[]>(
        `with dead as (delete from stream_count where process_id <> $1 and
             seen_at < clock_timestamp() - $2::interval),
           mine as (update stream_count set seen_at = clock_timestamp() where process_id = $1 returning user_id)
         select user_id as "userId" from mine`,
        [this.processId, STALE],
      );
      const known = new Set(seen.map(({ userId }) => userId));
      for (const [userId, user] of this.users) {
        // Taken for dead, or lost with a crash of the database: count in again.
        if (!known.has(userId) && !user.telling) user.told = 0;
        this.tell(userId, user);
      }
    } catch (error) {
      this.logger.warn(`Streams are not counted just now: ${(error as Error).message}`);
    }
  }

  /** Starts telling the table, unless that is going on already. */
  private tell(userId: string, user: UserStreams): void {
    if (user.telling || this.stopped) return;
    user.telling = true;
    void this.tellAll(userId, user);
  }

  private async tellAll(userId: string, user: UserStreams): Promise<void> {
    while (!this.stopped && (user.waiting.length > 0 || user.open !== user.told)) {
      const asking = user.waiting.splice(0);
      const held = user.open;
      try {
        const granted = await this.ask(userId, held, asking.length);
        user.told = held + granted;
        user.open += granted;
        for (const { admitted } of asking.slice(0, granted)) admitted();
        for (const { refused } of asking.slice(granted)) refused(new TooManyStreams(this.config.maxStreamsPerUser));
      } catch (error) {
        for (const { refused } of asking) refused(error as Error);
        this.logger.warn(`Streams could not be counted: ${(error as Error).message}`);
        // What could not be counted off is told with the next heartbeat.
        if (user.waiting.length === 0) break;
      }
    }
    for (const { refused } of user.waiting.splice(0)) refused(new Error('This process is shutting down'));
    user.telling = false;
    if (user.open === 0 && user.told === 0) this.forget(userId);
  }

  private async ask(userId: string, held: number, wanted: number): Promise<number> {
    const [{ granted }] = await this.tx.em.query<{ granted: number }[]>(
      'select admit_streams($1, $2, $3, $4, $5, $6::interval) as granted',
      [userId, this.processId, held, wanted, this.config.maxStreamsPerUser, STALE],
    );
    return granted;
  }

  private forget(userId: string): void {
    this.users.delete(userId);
    if (this.users.size > 0) return;
    clearInterval(this.heartbeat);
    this.heartbeat = undefined;
  }
}
