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

/**
 * The format of a file by what its sender says of it. The published client says Parquet of every file it sends, so a
 * name that ends in `.csv` is believed before that. Parameters of the content type do not matter.
 * Throws {@link UnsupportedMediaType}.
 */
export function formatOf(contentType: string, fileName: string): FileFormat {
  const bare = contentType.split(';')[0].trim().toLowerCase();
  const format = FORMATS[bare];
  if (format === undefined) throw new UnsupportedMediaType(bare || 'unknown');
  return /\.csv$/i.test(fileName) ? 'csv' : format;
}
