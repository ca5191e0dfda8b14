import { EventSource } from 'eventsource';

const STORED = [
  'queue_update',
  'operation_started',
  'operation_progress',
  'operation_retrying',
  'operation_completed',
  'operation_error',
  'operation_cancelled',
];
const AGAIN_MS = 100;

/**
 * Follows an operation with a real EventSource until its stream ends. Where an answer other than 200 has ended the
 * EventSource for good, as the standard wants it, the next one goes on after the last event, as a program would.
 */
export class Watcher {
  /** The sequence of each event, as often and in the order that it was told. */
  readonly seen: number[] = [];
  readonly ended: Promise<void>;
  private lastEventId = '';
  private source?: EventSource;
  private again?: NodeJS.Timeout;
  private end!: () => void;

  constructor(private readonly url: string) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.open();
  }

  close(): void {
    clearTimeout(this.again);
    this.source?.close();
  }

  private open(): void {
    const resumed = this.lastEventId === '' ? '' : `?from_sequence=${Number(this.lastEventId) + 1}`;
    const source = new EventSource(`${this.url}${resumed}`);
    this.source = source;
    for (const type of STORED) {
      source.addEventListener(type, ({ data, lastEventId }) => {
        const { sequence_number } = JSON.parse(data as string) as { sequence_number?: number };
        // News of the place in the queue is not stored, has no number, and does not count.
        if (sequence_number === undefined) return;
        this.seen.push(sequence_number);
        this.lastEventId = lastEventId;
      });
    }
    source.addEventListener('stream_end', () => {
      source.close();
      this.end();
    });
    source.addEventListener('error', () => {
      if (source.readyState === source.CLOSED) this.again = setTimeout(() => this.open(), AGAIN_MS);
    });
  }
}
