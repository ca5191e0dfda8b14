import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { graphFile } from '../../src/engine/ladybug/graph-file';
import { onCleanup } from './cleanup';

/** Copies a generation's file, because a second process may not open the one that the platform's host has open. */
export async function copyGraphFile(file: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'gs-bench-host-'));
  onCleanup(() => rm(directory, { recursive: true, force: true }));
  const copy = graphFile(join(directory, 'graph'));
  await mkdir(dirname(copy));
  await copyFile(file, copy);
  return copy;
}
