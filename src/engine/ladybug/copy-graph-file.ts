import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile } from 'node:fs/promises';
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

async function copyOne(source: string, target: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!SHARING_IMPOSSIBLE.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // A copy by the system could not be stopped half-way.
    await pipeline(
      createReadStream(source, { highWaterMark: CHUNK_BYTES }),
      createWriteStream(target, { mode: 0o600, highWaterMark: CHUNK_BYTES }),
      { signal },
    );
  }
}

/** What a system says that cannot share blocks, by system and file system. */
const SHARING_IMPOSSIBLE = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EXDEV', 'EINVAL'];
