import type { GenerationManifest } from '../engine/graph-engine';
import type { GraphSchema } from '../schemas/graph-schema';
import type { Generation } from './graph.entity';

/** What a generation was made from. */
export interface GenerationContents {
  /** Ids of the staged files whose rows it holds. */
  files: string[];
  /** Whether it also holds rows that no staged file has. */
  otherRows: boolean;
  /** Why these files have more for it than it holds: its schema gained something after they were loaded. */
  behind: string | null;
  /** See {@link Generation.taken}. */
  taken?: GraphSchema | null;
}

/** What a generation was made from. Rows without any file came by another way, whoever published them. */
export function contentsOf({ files, otherRows, behind, taken, manifest }: Generation): GenerationContents {
  return { files, otherRows: otherRows || (files.length === 0 && rowsIn(manifest) > 0), behind, taken };
}

function rowsIn(manifest: GenerationManifest | null): number {
  const counts = [...Object.values(manifest?.nodes ?? {}), ...Object.values(manifest?.relationships ?? {})];
  return counts.reduce((sum, count) => sum + count, 0);
}
