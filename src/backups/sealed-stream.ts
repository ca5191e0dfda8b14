import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { compress, decompress } from '@mongodb-js/zstd';
import { chunksOf, ChunkReader } from './chunks';
import { BackupDamaged } from './backups.errors';

/**
 * Bytes that are compressed and encrypted as they pass, in memory that does not depend on their number:
 *
 *     header = "GSBK" | version, 1 byte | salt, 32 bytes
 *     frame  = 1 bit: last | 31 bits: length | AES-256-GCM of a zstd frame of at most 1 MiB of content | tag, 16 bytes
 *
 * The key of a stream comes from a data key, the salt and the name of what it holds (HKDF-SHA-256), so a stream cannot
 * stand in for another one. The nonce of a frame is its position, which no other frame of that key has; position, length
 * and whether it is the last are authenticated with it. What was changed, cut, moved or put in is therefore refused, before
 * anything of that frame is given out.
 */
export interface SealKey {
  /** 32 bytes. */
  dataKey: Buffer;
  /** What the stream holds, such as the id of a backup. */
  name: string;
}

const MAGIC = Buffer.from('GSBK');
const VERSION = 1;
const SALT_BYTES = 32;
export const HEADER_BYTES = MAGIC.length + 1 + SALT_BYTES;
const LENGTH_BYTES = 4;
const TAG_BYTES = 16;
const LAST = 0x8000_0000;
/** Content of one frame. */
export const FRAME_BYTES = 1024 * 1024;
/** What zstd makes of content that cannot be compressed is a little larger. */
const MOST_SEALED = FRAME_BYTES + FRAME_BYTES / 128 + TAG_BYTES;
/** Fast, and nearly as small as the slow ones for database files. */
const ZSTD_LEVEL = 1;
/** Frames that are compressed or decompressed at once, on threads of their own. */
const AT_ONCE = 3;

/** Seals what `content` gives. `onFrame` hears where each frame begins, counted from 0 in bytes of the stream. */
export async function* seal(
  content: AsyncIterable<Buffer>,
  key: SealKey,
  onFrame: (start: number) => void = () => undefined,
): AsyncGenerator<Buffer> {
  const header = Buffer.concat([MAGIC, Buffer.from([VERSION]), randomBytes(SALT_BYTES)]);
  const cipher = new FrameCipher(key, header);
  yield header;
  const compressed = atOnce(chunksOf(content, FRAME_BYTES), (chunk) => compress(chunk, ZSTD_LEVEL));
  let start = header.length;
  for await (const frame of compressed) {
    onFrame(start);
    const sealed = cipher.seal(frame, false);
    start += sealed.length;
    yield sealed;
  }
  yield cipher.seal(Buffer.alloc(0), true);
}

/** Gives back what was sealed. Throws {@link BackupDamaged} at the first byte that is not as it was written. */
export async function* unseal(sealed: AsyncIterable<Buffer>, key: SealKey): AsyncGenerator<Buffer> {
  const reader = new ChunkReader(sealed);
  try {
    const header = await take(reader, HEADER_BYTES);
    yield* atOnce(framesOf(reader, cipherOf(key, header)), decompress);
  } finally {
    await reader.close();
  }
}

/** The same from one frame on, where the first {@link HEADER_BYTES} of the stream are known. */
export async function* unsealFrom(
  sealed: AsyncIterable<Buffer>,
  key: SealKey,
  { header, frame }: { header: Buffer; frame: number },
): AsyncGenerator<Buffer> {
  const reader = new ChunkReader(sealed);
  try {
    yield* atOnce(framesOf(reader, cipherOf(key, header, frame)), decompress);
  } finally {
    await reader.close();
  }
}

function cipherOf(key: SealKey, header: Buffer, frame = 0): FrameCipher {
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new BackupDamaged('it is no backup');
  if (header[MAGIC.length] !== VERSION) throw new BackupDamaged(`it has the unknown version ${header[MAGIC.length]}`);
  return new FrameCipher(key, header, frame);
}

async function* framesOf(reader: ChunkReader, cipher: FrameCipher): AsyncGenerator<Buffer> {
  for (;;) {
    const word = (await take(reader, LENGTH_BYTES)).readUInt32BE();
    const last = word >= LAST;
    const length = last ? word - LAST : word;
    if (length < TAG_BYTES || length > MOST_SEALED) throw new BackupDamaged('a part of it has an impossible length');
    const frame = cipher.open(await take(reader, length), last);
    if (!last) yield frame;
    else if (await reader.ended()) return;
    else throw new BackupDamaged('something follows its end');
  }
}

async function take(reader: ChunkReader, bytes: number): Promise<Buffer> {
  const taken = await reader.take(bytes);
  if (taken === undefined) throw new BackupDamaged('its end is missing');
  return taken;
}

/** Does `work` for several at once and gives the results in order. */
async function* atOnce(
  chunks: AsyncIterable<Buffer>,
  work: (chunk: Buffer) => Promise<Buffer>,
): AsyncGenerator<Buffer> {
  const running: Promise<Buffer>[] = [];
  for await (const chunk of chunks) {
    const result = work(chunk);
    // It is awaited below, unless the reader leaves before: then nobody asks.
    result.catch(() => undefined);
    running.push(result);
    if (running.length >= AT_ONCE) yield await running.shift()!;
  }
  for (const result of running) yield await result;
}

/** The frames of one stream, one after the other. */
class FrameCipher {
  private readonly key: Buffer;

  constructor(
    { dataKey, name }: SealKey,
    header: Buffer,
    private position = 0,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', dataKey, header, `graphstead backup ${name}`, 32));
  }

  seal(content: Buffer, last: boolean): Buffer {
    const head = Buffer.alloc(LENGTH_BYTES);
    const length = content.length + TAG_BYTES;
    head.writeUInt32BE(last ? length + LAST : length);
    const cipher = createCipheriv('aes-256-gcm', this.key, this.nonce()).setAAD(head);
    return Buffer.concat([head, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  }

  open(sealed: Buffer, last: boolean): Buffer {
    const head = Buffer.alloc(LENGTH_BYTES);
    head.writeUInt32BE(last ? sealed.length + LAST : sealed.length);
    const decipher = createDecipheriv('aes-256-gcm', this.key, this.nonce())
      .setAAD(head)
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    const content = decipher.update(sealed.subarray(0, -TAG_BYTES));
    try {
      // Gives nothing in this mode; it throws where the tag is another one.
      decipher.final();
      return content;
    } catch {
      throw new BackupDamaged('it was changed, or belongs to something else');
    }
  }

  private nonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(BigInt(this.position), 4);
    this.position += 1;
    return nonce;
  }
}
