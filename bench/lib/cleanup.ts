type Undo = () => Promise<void>;

const undos: Undo[] = [];
let running: Promise<void> = Promise.resolve();

/** Registers what must be undone however the benchmark ends; gives a function that does it earlier, once. */
export function onCleanup(undo: Undo): Undo {
  let done: Promise<void> | undefined;
  const once = (): Promise<void> => (done ??= undo());
  undos.push(once);
  return once;
}

/**
 * Undoes everything, newest first, after what is being undone already. A failure does not keep the others from being
 * undone; it is told at the end.
 */
export function cleanUp(): Promise<void> {
  running = running.then(undoAll, undoAll);
  return running;
}

async function undoAll(): Promise<void> {
  const failures: unknown[] = [];
  for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
    try {
      await undo();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'Not everything could be cleaned up');
}
