/** Chunks of exactly `bytes`, the last one shorter. Nothing is given for an empty source. */
export async function* chunksOf(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for await (let piece of source) {
    while (length + piece.length >= bytes) {
      const fits = bytes - length;
      yield Buffer.concat([...waiting, piece.subarray(0, fits)]);
      piece = piece.subarray(fits);
      waiting = [];
      length = 0;
    }
    if (piece.length > 0) waiting.push(piece);
    length += piece.length;
  }
  if (length > 0) yield Buffer.concat(waiting);
}

/** Takes exact numbers of bytes from a source. */
export class ChunkReader {
  private readonly pieces: AsyncIterator<Buffer, undefined>;
  private held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  }

  /** Undefined where fewer are left. */
  async take(bytes: number): Promise<Buffer | undefined> {
    const taken = [this.held];
    let length = this.held.length;
    while (length < bytes) {
      const { done, value } = await this.pieces.next();
      if (done) return undefined;
      taken.push(value);
      length += value.length;
    }
    const all = taken.length === 1 ? taken[0] : Buffer.concat(taken);
    this.held = all.subarray(bytes);
    return all.subarray(0, bytes);
  }

  /** Lets go of the source, however much of it was taken. */
  async close(): Promise<void> {
    await this.pieces.return?.();
  }

  /** Whether nothing is left. */
  async ended(): Promise<boolean> {
    return this.held.length === 0 && (await this.take(1)) === undefined;
  }
}
