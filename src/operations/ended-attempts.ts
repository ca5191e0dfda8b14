import type { AttemptOutcome } from './operation.entity';

/** Counts the attempts that a process has ended, by type of operation and by how they ended. */
export class EndedAttempts {
  private readonly counts = new Map<string, { type: string; outcome: AttemptOutcome; count: number }>();

  add(type: string, outcome: AttemptOutcome): void {
    const key = `${type} ${outcome}`;
    const entry = this.counts.get(key) ?? { type, outcome, count: 0 };
    entry.count += 1;
    this.counts.set(key, entry);
  }

  all(): Iterable<{ type: string; outcome: AttemptOutcome; count: number }> {
    return this.counts.values();
  }
}
