import {
  type DuckDBBlobValue,
  type DuckDBIntervalValue,
  DuckDBTypeId,
  type DuckDBValueConverter,
  type Json,
  JsonDuckDBValueConverter,
} from '@duckdb/node-api';
import { isoDuration } from '../../common/iso-duration';

const INTEGERS = new Set<DuckDBTypeId>([
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
]);
const TIMESTAMPS = new Set<DuckDBTypeId>([
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
  DuckDBTypeId.TIMESTAMP_TZ,
]);

/**
 * DuckDB's values as JSON by the rules of query results: a whole number that a JSON number would round is text, decimals
 * are text, moments are ISO 8601 in UTC, durations ISO 8601, bytes base64.
 */
export const exactJson: DuckDBValueConverter<Json> = (value, type, self) => {
  if (value === null) return null;
  if (INTEGERS.has(type.typeId)) {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (TIMESTAMPS.has(type.typeId)) {
    const text = String(value);
    // Not for "infinity".
    return /^\d/.test(text) ? `${text.replace(' ', 'T').replace(/\+00$/, '')}Z` : text;
  }
  if (type.typeId === DuckDBTypeId.BLOB) return Buffer.from((value as DuckDBBlobValue).bytes).toString('base64');
  if (type.typeId === DuckDBTypeId.INTERVAL) return isoDuration(value as DuckDBIntervalValue);
  return JsonDuckDBValueConverter(value, type, self);
};
