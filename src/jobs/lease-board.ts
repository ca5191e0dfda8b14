/** Bytes of one slot: the length of its text, then the text. An operation's id and attempt take about forty. */
const SLOT_BYTES = 64;
/** More operations than any worker process runs at once. What finds no slot is renewed by the process' timer alone. */
const SLOTS = 1024;
const HEADER_BYTES = 8;

/**
 * Memory that the worker process and its lease guard share: a count that the process' event loop moves on, and the
 * attempts that it runs. Writing to it sends nothing and wakes nobody, so it costs an operation next to nothing.
 */
export class LeaseBoard {
  private readonly count: Int32Array;
  private readonly slots: Buffer;
  private readonly free: number[] = Array.from({ length: SLOTS }, (_, index) => SLOTS - 1 - index);

  constructor(readonly memory = new SharedArrayBuffer(HEADER_BYTES + SLOTS * SLOT_BYTES)) {
    this.count = new Int32Array(memory, 0, 1);
    this.slots = Buffer.from(memory, HEADER_BYTES);
  }

  /** Says that the event loop of the process turns. */
  beat(): void {
    Atomics.add(this.count, 0, 1);
  }

  get beats(): number {
    return Atomics.load(this.count, 0);
  }

  /** Notes an attempt; the number of its slot, or undefined where none is free. */
  put(key: string): number | undefined {
    const slot = this.free.pop();
    if (slot === undefined) return undefined;
    const length = this.slots.write(key, slot * SLOT_BYTES + 1, SLOT_BYTES - 1, 'latin1');
    // Last, so that a reader never sees a length without its text.
    Atomics.store(this.slots, slot * SLOT_BYTES, length);
    return slot;
  }

  clear(slot: number): void {
    Atomics.store(this.slots, slot * SLOT_BYTES, 0);
    this.free.push(slot);
  }

  /** The attempts that are noted just now, as they were put. */
  keys(): string[] {
    const keys: string[] = [];
    for (let start = 0; start < this.slots.length; start += SLOT_BYTES) {
      const length = Atomics.load(this.slots, start);
      if (length > 0) keys.push(this.slots.toString('latin1', start + 1, start + 1 + length));
    }
    return keys;
  }
}
