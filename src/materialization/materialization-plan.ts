import { type GenerationContents, contentsOf } from '../graphs/generation-contents';
import type { Generation } from '../graphs/graph.entity';
import type { StagedFile } from '../staging/staged-file.entity';
import { NothingStaged, RebuildNeeded, RowsWouldBeLost } from './materialization.errors';

export const MODES = ['auto', 'incremental', 'rebuild'] as const;
/**
 * `auto`: only what is new where that gives the same graph, else all; `incremental`: only what is new, or nothing;
 * `rebuild`: all that is staged.
 */
export type Mode = (typeof MODES)[number];

export interface MaterializationPlan {
  /** `none`: the graph holds what is staged. */
  mode: 'none' | 'incremental' | 'rebuild';
  /** Why it is this mode, in words. */
  why: string;
  /** What to load, in this order. */
  files: StagedFile[];
  /** Staged files that the graph does not hold, and those that it holds though they are gone. */
  added: StagedFile[];
  removed: string[];
  /** What the generation that is built will hold. */
  contents: GenerationContents;
}

/**
 * Decides what has to be loaded. A graph can be brought up to date by loading only new files exactly while all that it
 * holds is still staged, and it took from these files all that its schema asks for now. Throws {@link NothingStaged}, {@link RebuildNeeded}, {@link RowsWouldBeLost}.
 */
export function planMaterialization(
  mode: Mode,
  staged: StagedFile[],
  live: Generation | null,
  { force = false } = {},
): MaterializationPlan {
  const held = live === null ? { files: [], otherRows: false, behind: null } : contentsOf(live);
  const [stagedIds, heldIds] = [new Set(staged.map(({ id }) => id)), new Set(held.files)];
  const added = staged.filter(({ id }) => !heldIds.has(id));
  const removed = held.files.filter((id) => !stagedIds.has(id));
  const files = staged.map(({ id }) => id);
  const rebuild = (why: string): MaterializationPlan => {
    if (staged.length === 0) throw new NothingStaged();
    const contents = { files, otherRows: false, behind: null };
    return { mode: 'rebuild', why, files: staged, added, removed, contents };
  };
  if (mode === 'rebuild') return rebuild('A rebuild was asked for');
  if (removed.length > 0 || held.behind !== null) {
    const why =
      removed.length > 0 ? `${removed.length} files whose rows the graph holds are no longer staged` : held.behind!;
    if (mode === 'incremental') throw new RebuildNeeded(why);
    if (held.otherRows) throw new RowsWouldBeLost(why);
    return rebuild(why);
  }
  if (held.files.length === 0 && !held.otherRows && mode === 'auto') return rebuild('The graph is empty');
  if (added.length > 0) {
    const why = `${added.length} files are new`;
    return { mode: 'incremental', why, files: added, added, removed, contents: { ...held, files } };
  }
  if (staged.length === 0) throw new NothingStaged();
  if (force && mode === 'auto' && !held.otherRows) return rebuild('It was forced though nothing has changed');
  return { mode: 'none', why: 'The graph already holds what is staged', files: [], added, removed, contents: held };
}
