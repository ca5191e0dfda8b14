import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { GraphUnreadable } from '../engine.errors';
import type { GenerationRef } from '../graph-engine';

/** The engine's file inside a generation's directory; its siblings (`.wal` and others) are gone after a clean close. */
export function graphFile(directory: string): string {
  return join(directory, 'graph.lbug');
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
