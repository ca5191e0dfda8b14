import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, link } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { generationFiles } from './graph-file';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies a finished generation, database file and log, into the directory of another; at no cost where the file system
 * can share the blocks of two files. Only for processes that never open graphs with the engine, such as the platform's:
 * closing any descriptor of a file drops the engine's lock on it in that process. Throws `GraphUnreadable` where the source
 * is not there, or is not whole.
 */
export async function copyGraphFile(from: string, to: string, signal: AbortSignal): Promise<void> {
  for (const source of await generationFiles(from)) await copyOne(source, join(to, basename(source)), signal);
}

/**
 * The same where the database file of the other will never be written again, only its log: then both directories hold one
 * and the same file. It is copied after all where the file system cannot do that; whether they share it is answered.
 */
export async function shareGraphFile(from: string, to: string, signal: AbortSignal): Promise<boolean> {
  const [file, ...log] = await generationFiles(from);
  signal.throwIfAborted();
  let shared = true;
  try {
    await link(file, join(to, basename(file)));
  } catch (error) {
    if (![...SHARING_IMPOSSIBLE, 'EPERM', 'EACCES', 'EMLINK'].includes(codeOf(error))) throw error;
    await copyOne(file, join(to, basename(file)), signal);
    shared = false;
  }
  for (const source of log) await copyOne(source, join(to, basename(source)), signal);
  return shared;
}

async function copyOne(source: string, target: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!SHARING_IMPOSSIBLE.includes(codeOf(error))) throw error;
    // A copy by the system could not be stopped half-way.
    await pipeline(
      createReadStream(source, { highWaterMark: CHUNK_BYTES }),
      createWriteStream(target, { mode: 0o600, highWaterMark: CHUNK_BYTES }),
      { signal },
    );
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** What a system says that cannot share blocks, by system and file system. */
const SHARING_IMPOSSIBLE = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EXDEV', 'EINVAL'];
