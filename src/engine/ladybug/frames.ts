import type { Duplex } from 'node:stream';

/** Version of the protocol between platform and host; see PROTOCOL.md. */
export const PROTOCOL_VERSION = 1;

/** What a frame is. Numbers are part of the protocol and never change their meaning. */
export const FrameType = {
  Hello: 1,
  Open: 2,
  Query: 3,
  Columns: 4,
  Rows: 5,
  Credit: 6,
  End: 7,
  Failure: 8,
  Cancel: 9,
  Build: 10,
  Progress: 11,
  Close: 12,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface Frame {
  type: number;
  /** 0 for the connection itself, else the number of the query or build. */
  stream: number;
  payload: Buffer;
}

/** Header: length of what follows it in the frame's body (u32), type (u8), stream (u32); big-endian. */
export const HEADER_BYTES = 9;
export const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;
const COPIED_BYTES = 4 * 1024;

/** The other side does not speak the protocol; the connection cannot be used further. */
export class FrameTooLarge extends Error {
  constructor(readonly bytes: number) {
    super(`A frame of ${bytes} bytes is over the limit of ${MAX_PAYLOAD_BYTES}`);
  }
}

/** The bytes of a frame, in parts to be written one after another. Throws {@link FrameTooLarge}. */
export function encodeFrame(type: FrameType, stream: number, ...payload: Buffer[]): Buffer[] {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_PAYLOAD_BYTES) throw new FrameTooLarge(length);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt32BE(stream, 5);
  const parts = [header, ...payload];
  // Copying few bytes costs less than handing over one part more.
  return length <= COPIED_BYTES ? [Buffer.concat(parts)] : parts;
}

/** Cuts a byte stream into frames, however it was split or merged on the way. */
export class FrameDecoder {
  private chunks: Buffer[] = [];
  private buffered = 0;

  constructor(private readonly maxPayload = MAX_PAYLOAD_BYTES) {}

  /** The frames completed by this chunk. Throws {@link FrameTooLarge} as soon as a header says so. */
  push(chunk: Buffer): Frame[] {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      if (this.buffered < HEADER_BYTES) return frames;
      const head = this.peekHeader();
      const length = head.readUInt32BE(0);
      if (length > this.maxPayload) throw new FrameTooLarge(length);
      if (this.buffered < HEADER_BYTES + length) return frames;
      const whole = this.take(HEADER_BYTES + length);
      frames.push({ type: head.readUInt8(4), stream: head.readUInt32BE(5), payload: whole.subarray(HEADER_BYTES) });
    }
  }

  private peekHeader(): Buffer {
    const first = this.chunks[0];
    // Joining only what the header needs would save little: headers seldom straddle chunks.
    if (first.length < HEADER_BYTES) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0].subarray(0, HEADER_BYTES);
  }

  private take(bytes: number): Buffer {
    const first = this.chunks[0];
    if (first.length < bytes) this.chunks = [Buffer.concat(this.chunks)];
    const joined = this.chunks[0];
    if (joined.length > bytes) this.chunks[0] = joined.subarray(bytes);
    else this.chunks.shift();
    this.buffered -= bytes;
    return joined.subarray(0, bytes);
  }
}

/** So many frames leave at once at the latest, so that the other side has work while this one goes on. */
const FRAMES_PER_WRITE = 8;

/** Frames over one duplex stream. JSON payloads are UTF-8. A broken frame destroys the stream with the reason. */
export class FrameChannel {
  private readonly decoder = new FrameDecoder();
  /** Frames that wait to leave; the stream is corked while there are any. */
  private held = 0;
  private readonly release = (): void => {
    if (this.held === 0) return;
    this.held = 0;
    this.duplex.uncork();
  };

  constructor(
    private readonly duplex: Duplex,
    onFrame: (frame: Frame) => void,
  ) {
    duplex.on('data', (chunk: Buffer) => {
      let frames: Frame[];
      try {
        frames = this.decoder.push(chunk);
      } catch (error) {
        duplex.destroy(error as Error);
        return;
      }
      for (const frame of frames) onFrame(frame);
    });
  }

  /** Sends bytes; throws {@link FrameTooLarge}. After the stream closed it does nothing: its end is reported elsewhere. */
  send(type: FrameType, stream: number, ...parts: Buffer[]): void {
    const frame = encodeFrame(type, stream, ...parts);
    if (this.duplex.destroyed || this.duplex.writableEnded) return;
    this.joinWrites();
    for (const part of frame) this.duplex.write(part);
    if ((this.held += 1) === FRAMES_PER_WRITE) this.release();
  }

  /**
   * Frames of one turn of the event loop leave in few system calls, of however many queries they are: under load a call
   * costs more than making what it sends. `setImmediate` comes right after all that arrived together was handled.
   */
  private joinWrites(): void {
    if (this.held > 0) return;
    this.duplex.cork();
    setImmediate(this.release);
  }

  sendJson(type: FrameType, stream: number, value: object): void {
    this.send(type, stream, Buffer.from(JSON.stringify(value)));
  }
}
