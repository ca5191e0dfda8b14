import { UnsupportedMediaType } from './staging.errors';
import type { FileFormat } from './duckdb/messages';

const FORMATS: Record<string, FileFormat> = {
  'application/x-parquet': 'parquet',
  'application/parquet': 'parquet',
  'application/vnd.apache.parquet': 'parquet',
  'application/json': 'json',
  'application/x-ndjson': 'json',
  'application/ndjson': 'json',
  'application/jsonl': 'json',
  'application/x-jsonlines': 'json',
  'text/csv': 'csv',
  'application/csv': 'csv',
  'text/plain': 'csv',
};

/** What files may hold; `/limits` names these. */
export const FILE_FORMATS: readonly FileFormat[] = [...new Set(Object.values(FORMATS))];

/** Types that say nothing of what is inside; the name must. */
const WRAPPERS = ['application/gzip', 'application/x-gzip', 'application/zstd', 'application/octet-stream'];
const EXTENSIONS: Record<string, FileFormat> = {
  csv: 'csv',
  tsv: 'csv',
  json: 'json',
  ndjson: 'json',
  jsonl: 'json',
  parquet: 'parquet',
};

/**
 * The format of a file by what its sender says of it. The published client says Parquet of every file it sends, so the
 * end of the name is believed before that; `.gz` and `.zst` after it do not matter, nor do parameters of the content
 * type. Throws {@link UnsupportedMediaType}.
 */
export function formatOf(contentType: string, fileName: string): FileFormat {
  const bare = contentType.split(';')[0].trim().toLowerCase();
  const named = EXTENSIONS[/\.(\w+)(?:\.(?:gz|gzip|zst|zstd))?$/.exec(fileName.toLowerCase())?.[1] ?? ''];
  const format = WRAPPERS.includes(bare) ? named : FORMATS[bare];
  if (format === undefined) throw new UnsupportedMediaType(bare || 'unknown');
  return named ?? format;
}
