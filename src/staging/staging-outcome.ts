import type { Operation } from '../operations/operation.entity';
import { FileMalformed, StagingCancelled, StagingEngineLost } from './staging.errors';

/**
 * Says to the one who waited what went wrong with a file that was not staged; says nothing while it is still being
 * read. A file that cannot be read is the sender's to mend, everything else is ours.
 */
export function refuseUnlessStaged({ id, status, error }: Operation): void {
  if (status === 'cancelled') throw new StagingCancelled(id);
  if (status !== 'failed') return;
  if (error?.code === 'file_malformed' || error?.code === 'file_too_large') {
    throw new FileMalformed(error.message, { ...error.details, operation_id: id }, error.code);
  }
  throw new StagingEngineLost(error?.message, { operation_id: id, error_code: error?.code });
}
