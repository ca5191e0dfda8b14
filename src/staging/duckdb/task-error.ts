import type { TaskFailure } from './messages';

/** A task cannot go on; the failure is for users. Thrown in the child, told to the parent. */
export class TaskError extends Error {
  constructor(readonly failure: TaskFailure) {
    super(failure.message);
  }
}

export interface FileProblem {
  /** Line of the file, 1 being the first; null where the problem has no line. */
  line: number | null;
  column: string | null;
  message: string;
}

/** The file is not what it should be. `problems` has at most 20 entries. */
export function malformed(summary: string, problems: FileProblem[] = []): TaskError {
  const [first] = problems;
  const where = first ? `: ${place(first)}${first.message}` : '';
  return new TaskError({
    code: 'file_malformed',
    message: `${summary}${where}`,
    details: problems.length > 0 ? { problems } : undefined,
  });
}

function place({ line, column }: FileProblem): string {
  const parts = [line === null ? [] : `line ${line}`, column === null ? [] : `column "${column}"`].flat();
  return parts.length > 0 ? `${parts.join(', ')}: ` : '';
}
