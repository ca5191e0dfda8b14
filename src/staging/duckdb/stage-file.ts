import type { DuckDbSession } from './duckdb-session';
import type { FileLimits, StageJob, StageResult } from './messages';
import { inflatesTooFar, openUpload } from './open-upload';
import { stageCsv } from './stage-csv';
import { stageJson } from './stage-json';
import { stageParquet } from './stage-parquet';

/** Reads an uploaded file once, wholly, and says what it holds; what is no Parquet is written as such on the way. */
export async function stageFile(session: DuckDbSession, job: StageJob, limits: FileLimits): Promise<StageResult> {
  const upload = await openUpload(session, job, limits);
  try {
    switch (job.format) {
      case 'csv':
        return await stageCsv(session, job, upload, limits);
      case 'json':
        return await stageJson(session, job, upload, limits);
      case 'parquet':
        return await stageParquet(session, job, upload, limits);
    }
  } catch (error) {
    // Rows that do not fit into memory go to disk, and what goes there has the limit of inflated bytes.
    if (/max_temp_directory_size/.test((error as Error).message)) throw inflatesTooFar(limits.maxInflatedBytes);
    throw error;
  }
}
