import { existsSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GraphUnreadable } from '../engine.errors';
import type { GenerationRef } from '../graph-engine';

/** The database file inside a generation's directory. */
export function graphFile(directory: string): string {
  return join(directory, 'graph.lbug');
}

/** The log beside the database file: what was committed since that was written. Whoever opens the file replays it. */
export function graphLog(directory: string): string {
  return `${graphFile(directory)}.wal`;
}

/**
 * Absolute paths of all that a finished generation consists of: the database file, then its log where it has one. Throws
 * {@link GraphUnreadable} where the database file is missing or something else is there, as after a broken build.
 */
export async function generationFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((): string[] => []);
  const files = [graphFile(directory), graphLog(directory)].filter((file) => names.includes(basename(file)));
  if (files[0] !== graphFile(directory) || files.length !== names.length) throw new GraphUnreadable();
  return files;
}

/** One name for a directory however it is reached, so that one file never gets two hosts. */
export function existingDirectory({ directory }: GenerationRef): string | undefined {
  return existsSync(directory) ? realpathSync.native(directory) : undefined;
}

/** The same where the directory must exist. Throws {@link GraphUnreadable}. */
export function realDirectory(target: GenerationRef): string {
  const directory = existingDirectory(target);
  if (directory === undefined) throw new GraphUnreadable();
  return directory;
}
