import type { RunEvent } from './dagster-api';

const PROGRESS = 'PROGRESS ';
const LONGEST_PROGRESS = 4_000;
const LONGEST_MESSAGE = 1_000;
const LONGEST_DETAIL = 500;
/** Members that are ours to say. */
const RESERVED = ['percent', 'message', 'run_id', 'run_url', 'dagster_status'];

export interface RunFailure {
  step: string | null;
  message: string;
  error_class: string | null;
}

/** What is told of one event to those who watch; null of most of them. */
export interface RunNews {
  message: string;
  percent?: number;
  /** Members of a PROGRESS line. */
  details?: Record<string, string | number | boolean>;
  failure?: RunFailure;
}

const STEP_WORDS: Readonly<Record<string, string>> = {
  ExecutionStepStartEvent: 'has started',
  ExecutionStepSuccessEvent: 'is done',
  ExecutionStepSkippedEvent: 'is skipped',
  ExecutionStepUpForRetryEvent: 'failed and is tried again',
  ExecutionStepRestartEvent: 'has started again',
};

/** Steps, failures and lines that begin with PROGRESS are news. */
export function newsOf(event: RunEvent): RunNews | null {
  const { __typename: kind, stepKey } = event;
  const step = stepKey ?? 'of the run';
  if (kind === 'LogMessageEvent') return progressIn(event.message);
  if (kind === 'ExecutionStepFailureEvent') {
    const failure = failureOf(stepKey, event);
    return { message: `Step ${step} failed: ${failure.message}`, failure };
  }
  if (kind === 'RunFailureEvent') {
    const failure = failureOf(null, event);
    return { message: `The run failed: ${failure.message}`, failure };
  }
  const words = STEP_WORDS[kind];
  return words === undefined ? null : { message: `Step ${step} ${words}` };
}

interface Failed {
  message: string;
  error: Shown | null;
}
interface Shown {
  message: string;
  className: string | null;
  cause?: Shown | null;
}

function failureOf(step: string | null, { message, error }: Failed): RunFailure {
  // Dagster wraps what a step throws, and says "Error occurred while executing" first.
  const own = error?.className === 'DagsterExecutionStepExecutionError' ? (error.cause ?? error) : error;
  return { step, message: cleaned(own?.message ?? message), error_class: own?.className ?? null };
}

/** The words of an error without the class before them, and without paths of the machine that it arose on. */
export function cleaned(message: string): string {
  const words = message
    .trim()
    .split('\n')
    .filter((line) => !/^\s*(File "|Traceback )/.test(line))
    .join('\n')
    .replace(/^(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Failure|Interrupt): ?/, '')
    .replace(/(?<![\w/:])(?:\/[\w.@+-]+){2,}\/?/g, '<path>')
    .replace(/\b[A-Za-z]:\\[^\s'"]+/g, '<path>')
    .trim();
  if (words === '') return 'it gave no reason';
  return words.length > LONGEST_MESSAGE ? `${words.slice(0, LONGEST_MESSAGE)} ...` : words;
}

/** `PROGRESS {"done": 3, "total": 10, "message": "...", ...}`; or `percent` instead of the two. */
function progressIn(line: string): RunNews | null {
  if (!line.startsWith(PROGRESS) || line.length > LONGEST_PROGRESS) return null;
  const said = parsed(line.slice(PROGRESS.length));
  if (said === null) return null;
  const percent = percentIn(said);
  const message = typeof said.message === 'string' ? cleaned(said.message) : partsIn(said);
  const details = Object.fromEntries(
    Object.entries(said).filter(
      (entry): entry is [string, string | number | boolean] => isShort(entry[1]) && !RESERVED.includes(entry[0]),
    ),
  );
  return { message, ...(percent !== null && { percent }), details };
}

function percentIn({ percent, done, total }: Record<string, unknown>): number | null {
  if (isNumber(percent)) return Math.min(Math.max(percent, 0), 100);
  return isNumber(done) && isNumber(total) && total > 0 ? Math.min(Math.max((100 * done) / total, 0), 100) : null;
}

function partsIn({ done, total }: Record<string, unknown>): string {
  return isNumber(done) && isNumber(total) ? `The Dagster run has done ${done} of ${total}` : 'The Dagster run goes on';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isShort(value: unknown): boolean {
  return isNumber(value) || typeof value === 'boolean' || (typeof value === 'string' && value.length <= LONGEST_DETAIL);
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
