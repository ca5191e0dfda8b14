import { type Duplex, PassThrough, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { encodeFrame, FrameChannel, FrameDecoder, FrameTooLarge, FrameType, HEADER_BYTES } from './frames';

function bytesOf(type: FrameType, stream: number, payload: string): Buffer {
  return Buffer.concat(encodeFrame(type, stream, Buffer.from(payload)));
}

const THREE = Buffer.concat([
  bytesOf(FrameType.Query, 7, '{"a":1}'),
  bytesOf(FrameType.Cancel, 4_294_967_295, ''),
  bytesOf(FrameType.Rows, 8, 'é'.repeat(300)),
]);

describe('frames', () => {
  it.each([1, 2, 3, 8, 9, 10, 64, 10_000])('come out whole when bytes arrive %i at a time', (size) => {
    const decoder = new FrameDecoder();
    const frames = [];
    for (let at = 0; at < THREE.length; at += size) frames.push(...decoder.push(THREE.subarray(at, at + size)));
    expect(frames.map(({ type, stream, payload }) => [type, stream, payload.toString()])).toEqual([
      [FrameType.Query, 7, '{"a":1}'],
      [FrameType.Cancel, 4_294_967_295, ''],
      [FrameType.Rows, 8, 'é'.repeat(300)],
    ]);
  });

  it('waits for the last byte', () => {
    const decoder = new FrameDecoder();
    expect(decoder.push(THREE.subarray(0, HEADER_BYTES + 6))).toEqual([]);
    expect(decoder.push(THREE.subarray(HEADER_BYTES + 6, HEADER_BYTES + 7))).toHaveLength(1);
  });

  it('refuses an oversize frame at its header, before its payload is buffered', () => {
    const decoder = new FrameDecoder(10);
    expect(() => decoder.push(bytesOf(FrameType.Rows, 1, 'x'.repeat(11)).subarray(0, HEADER_BYTES))).toThrow(
      FrameTooLarge,
    );
    expect(() => encodeFrame(FrameType.Rows, 1, Buffer.alloc(64 * 1024 * 1024 + 1))).toThrow(FrameTooLarge);
  });

  it('ends the connection on which garbage arrives', async () => {
    const duplex = new PassThrough();
    const failed = new Promise<Error>((resolve) => duplex.on('error', resolve));
    new FrameChannel(duplex, () => undefined);
    duplex.write(Buffer.from('GET / HTTP/1.1\r\n'));
    expect(await failed).toBeInstanceOf(FrameTooLarge);
    expect(duplex.destroyed).toBe(true);
  });

  it('of one turn leave together, some at a time', async () => {
    const writes: string[][] = [];
    const socket = new Writable({
      writev: (chunks, done) => {
        writes.push(chunks.map(({ chunk }) => (chunk as Buffer).subarray(HEADER_BYTES).toString()));
        done();
      },
    });
    const channel = new FrameChannel(socket as Duplex, () => undefined);
    const sent = Array.from({ length: 11 }, (_, i) => `text ${i}`);
    for (const text of sent) {
      channel.send(FrameType.Rows, 1, Buffer.from(text));
      // Another query's turn within the same one of the event loop.
      await Promise.resolve();
    }
    expect(writes).toEqual([sent.slice(0, 8)]);
    await setImmediate();
    expect(writes).toEqual([sent.slice(0, 8), sent.slice(8)]);
    channel.send(FrameType.Rows, 1, Buffer.from('later'));
    await setImmediate();
    expect(writes.flat()).toEqual([...sent, 'later']);
  });

  it('come out whole where they are too large to be copied', async () => {
    const socket = new PassThrough();
    const received: Buffer[] = [];
    new FrameChannel(socket, ({ payload }) => received.push(payload));
    const parts = [Buffer.alloc(4, 1), Buffer.alloc(100_000, 2)];
    new FrameChannel(socket, () => undefined).send(FrameType.Rows, 1, ...parts);
    while (received.length === 0) await setImmediate();
    expect(received).toEqual([Buffer.concat(parts)]);
  });

  it('says nothing after the connection ended', () => {
    const duplex = new PassThrough();
    const channel = new FrameChannel(duplex, () => undefined);
    duplex.destroy();
    expect(() => channel.sendJson(FrameType.Open, 0, {})).not.toThrow();
  });
});
