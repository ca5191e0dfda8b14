import { parseType, type ValueType } from '../../engine/value-types';
import { DUCKDB_TYPES } from './duckdb-types';
import { literal, quoted } from './sql-text';
import type { DuckDbSession } from './duckdb-session';
import type { WriteResultJob } from './messages';

/** Digits of a decimal number that Parquet still keeps as one. */
const MOST_DIGITS = 38;

/** What Parquet has no exact type for, and bytes, which are base64 in JSON. */
const AS_TEXT = new Set(['INT128', 'INTERVAL', 'BLOB']);

/** Types of results that no property has, or that the engine calls otherwise than a schema. */
const OF_RESULTS: Record<string, string> = {
  BOOL: 'BOOLEAN',
  SERIAL: 'BIGINT',
  TIMESTAMP_MS: 'TIMESTAMP',
  TIMESTAMP_SEC: 'TIMESTAMP',
  TIMESTAMP_NS: 'TIMESTAMP',
};
const SCALARS: Record<string, string> = { ...DUCKDB_TYPES, ...OF_RESULTS };

/** Rows as the query's serialiser wrote them -> Parquet with typed columns, in the order of the rows. */
export async function writeResult(session: DuckDbSession, { input, output, columns }: WriteResultJob): Promise<null> {
  const read = columns.map(({ name, type }) => ({ name, type: parseType(type) }));
  const types = read.map(({ name, type }) => `${literal(name)}: ${literal(typeOf(type))}`);
  const values = read.map(({ name, type }) => `${valueOf(quoted(name), type)} as ${quoted(name)}`);
  const rows = `read_json(${literal(input)}, format = 'newline_delimited', columns = {${types.join(', ')}})`;
  await session.run(
    `copy (select ${values.join(', ')} from ${rows}) to ${literal(output)} (format parquet, compression snappy)`,
  );
  return null;
}

/** The type as which DuckDB reads a JSON value. What Parquet has no exact type for stays text, or JSON as text. */
function typeOf(type: ValueType): string {
  switch (type.kind) {
    case 'scalar': {
      if (AS_TEXT.has(type.name)) return 'VARCHAR';
      if (type.name !== 'DECIMAL') return SCALARS[type.name] ?? 'VARCHAR';
      return type.precision > MOST_DIGITS ? 'VARCHAR' : `DECIMAL(${type.precision}, ${type.scale})`;
    }
    case 'list':
      return `${typeOf(type.item)}[]`;
    case 'struct':
      return `STRUCT(${type.fields.map(([name, field]) => `${quoted(name)} ${typeOf(field)}`).join(', ')})`;
    case 'map':
      return `MAP(VARCHAR, ${typeOf(type.value)})`;
    case 'union':
    case 'element':
    case 'path':
      return 'JSON';
  }
}

/** Bytes are base64 in JSON, wherever they stand. */
function valueOf(sql: string, type: ValueType): string {
  if (!holdsBytes(type)) return sql;
  switch (type.kind) {
    case 'scalar':
      return `from_base64(${sql})`;
    case 'list':
      return `list_transform(${sql}, lambda item: ${valueOf('item', type.item)})`;
    case 'map':
      return `map(map_keys(${sql}), list_transform(map_values(${sql}), lambda item: ${valueOf('item', type.value)}))`;
    case 'struct': {
      const fields = type.fields.map(([name, field]) => {
        return `${quoted(name)} := ${valueOf(`struct_extract(${sql}, ${literal(name)})`, field)}`;
      });
      return `case when ${sql} is null then null else struct_pack(${fields.join(', ')}) end`;
    }
    case 'union':
    case 'element':
    case 'path':
      return sql;
  }
}

function holdsBytes(type: ValueType): boolean {
  switch (type.kind) {
    case 'scalar':
      return type.name === 'BLOB';
    case 'list':
      return holdsBytes(type.item);
    case 'map':
      return holdsBytes(type.value);
    case 'struct':
      return type.fields.some(([, field]) => holdsBytes(field));
    case 'union':
    case 'element':
    case 'path':
      return false;
  }
}
