import { formatOf } from './content-types';

describe('formatOf', () => {
  it.each([
    ['text/csv', 'people.csv', 'csv'],
    ['text/csv; charset=utf-8', 'people.txt', 'csv'],
    ['application/json', 'people.json', 'json'],
    ['application/x-ndjson', 'people', 'json'],
    ['application/gzip', 'people.csv.gz', 'csv'],
    ['application/octet-stream', 'people.JSONL.zst', 'json'],
    ['Application/X-Parquet', 'people', 'parquet'],
    ['application/vnd.apache.parquet', 'people.parquet', 'parquet'],
  ])('takes %s for %s as %s', (contentType, name, format) => {
    expect(formatOf(contentType, name)).toBe(format);
  });

  it('believes the name of a CSV file that is announced as Parquet, as the published client announces all files', () => {
    expect(formatOf('application/x-parquet', 'People.CSV')).toBe('csv');
  });

  it('refuses what it cannot read, whatever the name says', () => {
    expect(() => formatOf('image/png', 'people.csv')).toThrow(/image\/png/);
    expect(() => formatOf('', 'people.csv')).toThrow();
    expect(() => formatOf('application/gzip', 'people.gz')).toThrow(/gzip/);
  });
});
