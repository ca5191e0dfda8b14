import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOfProcess, ownerIsGone } from '../../storage/file-owner';

/** A new folder below `root`, named after this process, so that others see when nobody needs it any more. */
export async function newScratch(root: string): Promise<string> {
  const folder = join(root, [nameOfProcess(process.pid), randomUUID()].join('_'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Removes the folders of processes that have ended without doing so. */
export async function removeAbandoned(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    if (ownerIsGone(name) === true) await rm(join(root, name), { recursive: true, force: true });
  }
}
