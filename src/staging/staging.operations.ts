import { IsUUID } from 'class-validator';
import { defineOperation } from '../operations/define-operation';

export class StageFilePayload {
  @IsUUID()
  fileId: string;
}

/** Reads an uploaded file into its staging table. Takes no lock: files of one graph are staged side by side. */
export const StageFile = defineOperation({
  name: 'file_stage',
  locks: 'none',
  retryRole: 'member',
  payload: StageFilePayload,
  policy: {
    attempts: 3,
    backoffMs: 1_000,
    timeoutMs: 900_000,
    // Each one is a process with up to STAGING_MEMORY_MB and STAGING_THREADS.
    concurrency: 2,
    cancellable: true,
    retentionDays: 30,
  },
});
