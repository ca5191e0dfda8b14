import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { HEADER_BYTES as HEADER, seal, type SealKey, unseal, unsealFrom } from './sealed-stream';

const MB = 1024 * 1024;

describe('a sealed stream', () => {
  const key: SealKey = { dataKey: randomBytes(32), name: 'backup one' };
  const pieces = (...parts: Buffer[]): AsyncIterable<Buffer> => Readable.from(parts, { objectMode: true });
  const sealed = (content: Buffer, by = key): Promise<Buffer> => buffer(seal(pieces(content), by));
  const opened = (bytes: Buffer, by = key): Promise<Buffer> => buffer(unseal(pieces(bytes), by));
  const refused = async (bytes: Buffer, by = key): Promise<void> =>
    expect(await opened(bytes, by).catch((error: unknown) => error)).toMatchObject({ code: 'backup_damaged' });

  /** Where each frame begins and ends. */
  const frames = (bytes: Buffer): [number, number][] => {
    const found: [number, number][] = [];
    for (let at = HEADER; at < bytes.length;) {
      const end = at + 4 + (bytes.readUInt32BE(at) & 0x7fff_ffff);
      found.push([at, end]);
      at = end;
    }
    return found;
  };
  const three = Buffer.concat([randomBytes(MB), Buffer.alloc(MB, 7), randomBytes(1000)]);

  it.each([0, 1, MB - 1, MB, MB + 1, 5 * MB + 3])('gives back %i bytes, however they come in', async (length) => {
    const content = randomBytes(length);
    const whole = await sealed(content);
    expect((await opened(whole)).equals(content)).toBe(true);
    const cut = await buffer(seal(pieces(content.subarray(0, 100), content.subarray(100)), key));
    const crumbs = Array.from({ length: Math.ceil(cut.length / 65_537) }, (_, at) =>
      cut.subarray(at * 65_537, (at + 1) * 65_537),
    );
    expect((await buffer(unseal(pieces(...crumbs), key))).equals(content)).toBe(true);
  });

  it('is small where its content repeats, and never twice the same', async () => {
    const zeros = Buffer.alloc(4 * MB);
    const [one, other] = [await sealed(zeros), await sealed(zeros)];
    expect(one.length).toBeLessThan(MB / 100);
    expect(one.equals(other)).toBe(false);
  });

  it('is refused with any bit flipped', async () => {
    const small = await sealed(Buffer.from('a few bytes'));
    for (let at = 0; at < small.length; at++) {
      const changed = Buffer.from(small);
      changed[at] ^= 1 << (at % 8);
      await refused(changed);
    }
    const large = await sealed(three);
    await fc.assert(
      fc.asyncProperty(fc.nat(large.length - 1), fc.nat(7), async (at, bit) => {
        const changed = Buffer.from(large);
        changed[at] ^= 1 << bit;
        await refused(changed);
      }),
      { numRuns: 40 },
    );
  });

  it('is refused with any tail cut off, or anything added', async () => {
    const small = await sealed(Buffer.from('a few bytes'));
    for (let length = 0; length < small.length; length++) await refused(small.subarray(0, length));
    const large = await sealed(three);
    for (const [start, end] of frames(large)) {
      await refused(large.subarray(0, start));
      await refused(large.subarray(0, end - 1));
    }
    await refused(Buffer.concat([large, Buffer.from([0])]));
    await refused(Buffer.concat([large, large.subarray(HEADER)]));
  });

  it('is refused with frames swapped, left out, doubled or of another stream', async () => {
    const bytes = await sealed(three);
    const found = frames(bytes);
    expect(found).toHaveLength(4);
    const [first, second, third, last] = found.map(([start, end]) => bytes.subarray(start, end));
    const header = bytes.subarray(0, HEADER);
    expect((await opened(Buffer.concat([header, first, second, third, last]))).equals(three)).toBe(true);
    await refused(Buffer.concat([header, second, first, third, last]));
    await refused(Buffer.concat([header, first, third, last]));
    await refused(Buffer.concat([header, first, second, last]));
    await refused(Buffer.concat([header, first, first, second, third, last]));
    const other = await sealed(three);
    const [foreign] = frames(other).map(([start, end]) => other.subarray(start, end));
    await refused(Buffer.concat([header, foreign, second, third, last]));
  });

  it('is refused with an earlier frame made the last one', async () => {
    const bytes = await sealed(three);
    for (const [start, end] of frames(bytes).slice(0, -1)) {
      const cut = Buffer.from(bytes.subarray(0, end));
      cut[start] |= 0x80;
      await refused(cut);
    }
  });

  it('is refused with another key or under another name', async () => {
    const bytes = await sealed(three);
    await refused(bytes, { ...key, dataKey: randomBytes(32) });
    await refused(bytes, { ...key, name: 'backup two' });
  });

  it('gives nothing of a frame before that frame is proven', async () => {
    const bytes = Buffer.from(await sealed(three));
    const [, [, end]] = frames(bytes);
    bytes[end - 1] ^= 1;
    const given: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of unseal(pieces(bytes), key)) given.push(chunk);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'backup_damaged' });
    expect(three.subarray(0, MB).subarray(0, Buffer.concat(given).length).equals(Buffer.concat(given))).toBe(true);
  });

  it('can be read from any frame on, and is refused from there as from its beginning', async () => {
    const starts: number[] = [];
    const bytes = await buffer(seal(pieces(three), key, (start) => starts.push(start)));
    expect(starts).toEqual(frames(bytes).map(([start]) => start).slice(0, -1)); // prettier-ignore
    const header = bytes.subarray(0, HEADER);
    const from = (frame: number, start = starts[frame], by = key): Promise<Buffer> =>
      buffer(unsealFrom(pieces(bytes.subarray(start)), by, { header, frame }));
    for (const frame of [0, 1, 2]) expect((await from(frame)).equals(three.subarray(frame * MB))).toBe(true);
    const damaged = { code: 'backup_damaged' };
    await expect(from(1, starts[2])).rejects.toMatchObject(damaged);
    await expect(from(2, starts[1])).rejects.toMatchObject(damaged);
    await expect(from(1, starts[1], { ...key, name: 'backup two' })).rejects.toMatchObject(damaged);
  });

  it('lets go of its source when it is read no further', async () => {
    const bytes = await sealed(three);
    const source = Readable.from([bytes.subarray(0, bytes.length - 5), bytes.subarray(bytes.length - 5)]);
    for await (const _ of unseal(source, key)) break;
    expect(source.destroyed).toBe(true);
  });

  it('passes on what its source fails with', async () => {
    const failing = (async function* () {
      yield Buffer.alloc(3 * MB);
      await Promise.resolve();
      throw new Error('disk on fire');
    })();
    await expect(buffer(seal(failing, key))).rejects.toThrow('disk on fire');
  });
});
