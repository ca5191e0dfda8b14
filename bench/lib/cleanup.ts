type Undo = () => Promise<void>;

const undos: Undo[] = [];

/** Registers what must be undone however the benchmark ends; gives a function that does it earlier, once. */
export function onCleanup(undo: Undo): Undo {
  let done: Promise<void> | undefined;
  const once = (): Promise<void> => (done ??= undo());
  undos.push(once);
  return once;
}

/** Undoes everything, newest first. A failure does not keep the others from being undone; it is told at the end. */
export async function cleanUp(): Promise<void> {
  const failures: unknown[] = [];
  for (const undo of undos.splice(0).reverse()) {
    try {
      await undo();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'Not everything could be cleaned up');
}
