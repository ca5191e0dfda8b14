/** What a status of Dagster's means for the operation that watches the run. */
export type RunState = 'running' | 'succeeded' | 'failed' | 'cancelled';

const ENDED: Readonly<Record<string, RunState>> = { SUCCESS: 'succeeded', FAILURE: 'failed', CANCELED: 'cancelled' };
const PERCENT: Readonly<Record<string, number>> = { QUEUED: 0, NOT_STARTED: 0, STARTING: 5, STARTED: 10, SUCCESS: 100 };
const WORDS: Readonly<Record<string, string>> = {
  QUEUED: 'waits in the queue of Dagster',
  NOT_STARTED: 'has not started',
  STARTING: 'is starting',
  STARTED: 'is running',
  CANCELING: 'is stopping',
};

/** A status that we do not know keeps the operation running: only what Dagster calls an end is one. */
export function stateOf(status: string): RunState {
  return ENDED[status] ?? 'running';
}

export function hasEnded({ status }: { status: string }): boolean {
  return stateOf(status) !== 'running';
}

/** A first guess at the progress, as long as the run says nothing itself; null where its status tells nothing. */
export function percentOf(status: string): number | null {
  return PERCENT[status] ?? null;
}

export function wordsFor(status: string): string {
  return `The Dagster run ${WORDS[status] ?? `says that it is ${status}`}`;
}
