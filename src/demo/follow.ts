import type { ApiClient, OperationEvent, StartedOperation } from './api-client';
import { ProgressBar } from './progress-bar';

/** Shows an operation's progress until it has ended; its result. */
export async function follow(
  api: ApiClient,
  operation: Pick<StartedOperation, '_links'>,
): Promise<Record<string, unknown>> {
  const bar = new ProgressBar(process.stdout);
  const show = ({ data }: OperationEvent): void => {
    if (typeof data.progress_percent === 'number')
      bar.show(data.progress_percent, typeof data.message === 'string' ? data.message : '');
  };
  try {
    const result = await api.watch(operation, show);
    bar.show(100, 'Completed');
    return result;
  } finally {
    bar.done();
  }
}
