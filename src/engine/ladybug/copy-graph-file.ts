import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GraphUnreadable } from '../engine.errors';
import { graphFile } from './graph-file';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies the file of a finished generation into the directory of another; at no cost where the file system can share
 * the blocks of two files. Only for processes that never open graphs with the engine, such as the platform's: closing
 * any descriptor of a file drops the engine's lock on it in that process. Throws {@link GraphUnreadable} where the
 * source is not there, or is not whole.
 */
export async function copyGraphFile(from: string, to: string, signal: AbortSignal): Promise<void> {
  const [source, target] = [graphFile(from), graphFile(to)];
  const siblings = await readdir(from);
  // A log beside the file would hold a part of the data.
  if (siblings.length !== 1 || siblings[0] !== basename(source)) throw new GraphUnreadable();
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
