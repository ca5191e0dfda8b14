import { Transform } from 'node:stream';
import { ObjectTooLarge } from './storage.errors';

/** Counts bytes and fails with {@link ObjectTooLarge} on the first one too many. */
export class ByteLimit extends Transform {
  bytes = 0;

  constructor(private readonly max: number) {
    super();
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, chunk?: Buffer) => void): void {
    this.bytes += chunk.length;
    if (this.bytes > this.max) done(new ObjectTooLarge(this.max));
    else done(null, chunk);
  }
}
