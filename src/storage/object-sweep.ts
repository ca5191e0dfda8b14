import type { ObjectStore } from './object-store';

/** Asked of the database at once. */
const BATCH = 500;

/** Removes stored objects that nothing names any more, as a listing of the store finds them. */
export class ObjectSweep<T extends { key: string }> {
  private found: T[] = [];

  /** `needed` says which keys of those found have to stay. */
  constructor(
    private readonly objects: ObjectStore,
    private readonly needed: (found: T[]) => Promise<Set<string>>,
  ) {}

  async add(object: T): Promise<void> {
    this.found.push(object);
    if (this.found.length === BATCH) await this.finish();
  }

  /** Judges those of which that was not done yet. */
  async finish(): Promise<void> {
    const batch = this.found;
    this.found = [];
    if (batch.length === 0) return;
    const needed = await this.needed(batch);
    for (const { key } of batch) if (!needed.has(key)) await this.objects.delete(key);
  }
}
