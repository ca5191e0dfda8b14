import { UnsupportedMediaType } from './staging.errors';
import type { FileFormat } from './staged-file.entity';

const FORMATS: Record<string, FileFormat> = {
  'application/x-parquet': 'parquet',
  'application/parquet': 'parquet',
  'application/vnd.apache.parquet': 'parquet',
  'text/csv': 'csv',
  'application/csv': 'csv',
  'text/plain': 'csv',
};

/** The format that a content type announces; its parameters do not matter. Throws {@link UnsupportedMediaType}. */
export function formatOf(contentType: string): FileFormat {
  const bare = contentType.split(';')[0].trim().toLowerCase();
  const format = FORMATS[bare];
  if (format === undefined) throw new UnsupportedMediaType(bare || 'unknown');
  return format;
}
