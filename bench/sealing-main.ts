import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { copyFile, open, rm, type FileHandle } from 'node:fs/promises';
import { Connection, Database } from '@ladybugdb/core';
import { compress, decompress } from '@mongodb-js/zstd';
import { answerParent } from './lib/child';
import { timed } from './lib/stats';

export interface SealingQuestion {
  /** A finished database file, which nobody has open. */
  file: string;
  /** A folder for what is made of it; emptied again. */
  directory: string;
  bufferPoolBytes: number;
  maxDatabaseBytes: number;
  threads: number;
}

export interface SealingAnswer {
  /** Checkpoint, a copy, and the copy through zstd and AES into another file that is synced. */
  backupMs: number;
  /** That file back through AES and zstd into a database file that is synced, and opened. */
  restoreMs: number;
  bytes: number;
}

const CHUNK_BYTES = 1024 * 1024;
/** As the platform has it. */
const ZSTD_LEVEL = 1;
const TAG_BYTES = 16;

/** What somebody would do by hand: the same work without a container, hashes or any proof. */
answerParent<SealingQuestion>(async ({ file, directory, bufferPoolBytes, maxDatabaseBytes, threads }) => {
  const [copy, sealed, back] = ['copy.lbug', 'sealed', 'back.lbug'].map((name) => `${directory}/${name}`);
  const use = async (path: string, statement: string): Promise<void> => {
    const database = new Database(path, bufferPoolBytes, true, statement !== 'CHECKPOINT', maxDatabaseBytes, true);
    await database.init();
    const connection = new Connection(database, threads);
    await connection.init();
    await connection.query(statement);
    await connection.close();
    await database.close();
  };
  const key = randomBytes(32);
  const backup = await timed(async () => {
    await use(file, 'CHECKPOINT');
    await copyFile(file, copy);
    await through(copy, sealed, async (input, output) => {
      for (let frame = 0; ; frame += 1) {
        const chunk = await read(input, CHUNK_BYTES);
        if (chunk.length === 0) return;
        const cipher = createCipheriv('aes-256-gcm', key, nonce(frame));
        const content = cipher.update(await compress(chunk, ZSTD_LEVEL));
        cipher.final();
        const length = Buffer.alloc(4);
        length.writeUInt32BE(content.length);
        await output.write(Buffer.concat([length, content, cipher.getAuthTag()]));
      }
    });
  });
  const bytes = await sizeOf(sealed);
  const restore = await timed(async () => {
    await through(sealed, back, async (input, output) => {
      for (let frame = 0; ; frame += 1) {
        const length = await read(input, 4);
        if (length.length === 0) return;
        const content = await read(input, length.readUInt32BE() + TAG_BYTES);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce(frame)).setAuthTag(content.subarray(-TAG_BYTES));
        const chunk = decipher.update(content.subarray(0, -TAG_BYTES));
        decipher.final();
        await output.write(await decompress(chunk));
      }
    });
    await use(back, 'MATCH (n) RETURN count(*)');
  });
  for (const path of [copy, sealed, back]) await rm(path);
  return { backupMs: backup.ms, restoreMs: restore.ms, bytes } satisfies SealingAnswer;
});

async function through(
  from: string,
  to: string,
  work: (input: FileHandle, output: FileHandle) => Promise<void>,
): Promise<void> {
  const [input, output] = [await open(from), await open(to, 'wx')];
  await work(input, output);
  await output.sync();
  await output.close();
  await input.close();
}

async function read(input: FileHandle, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await input.read(Buffer.allocUnsafe(bytes), 0, bytes);
  return buffer.subarray(0, bytesRead);
}

function nonce(frame: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(frame, 8);
  return bytes;
}

async function sizeOf(path: string): Promise<number> {
  const handle = await open(path);
  const { size } = await handle.stat();
  await handle.close();
  return size;
}
