import { parseType, type PropertyType, type ScalarType, type TypeTree } from '../../schemas/property-types';
import { quoted } from './sql-text';

export const DUCKDB_TYPES: Record<ScalarType, string> = {
  STRING: 'VARCHAR',
  BOOLEAN: 'BOOLEAN',
  INT8: 'TINYINT',
  INT16: 'SMALLINT',
  INT32: 'INTEGER',
  INT64: 'BIGINT',
  INT128: 'HUGEINT',
  UINT8: 'UTINYINT',
  UINT16: 'USMALLINT',
  UINT32: 'UINTEGER',
  UINT64: 'UBIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  DATE: 'DATE',
  TIMESTAMP: 'TIMESTAMP',
  TIMESTAMP_TZ: 'TIMESTAMP WITH TIME ZONE',
  INTERVAL: 'INTERVAL',
  UUID: 'UUID',
  BLOB: 'BLOB',
};

/** Smallest and largest exponent of two, to know which integers always fit into which. */
export const INTEGERS: Record<string, { bits: number; signed: boolean }> = {
  TINYINT: { bits: 7, signed: true },
  SMALLINT: { bits: 15, signed: true },
  INTEGER: { bits: 31, signed: true },
  BIGINT: { bits: 63, signed: true },
  HUGEINT: { bits: 127, signed: true },
  UTINYINT: { bits: 8, signed: false },
  USMALLINT: { bits: 16, signed: false },
  UINTEGER: { bits: 32, signed: false },
  UBIGINT: { bits: 64, signed: false },
  UHUGEINT: { bits: 128, signed: false },
};

/** DuckDB's name of a property type. */
export function duckdbType(type: PropertyType): string {
  return nameOf(parseType(type));
}

/**
 * How values of a type are written for the engine, whose reader of Parquet knows neither DECIMAL nor integers of 128 bits;
 * intervals in Parquet have milliseconds at most, and are never negative.
 */
export function storedType(type: PropertyType): string {
  return nameOf(parseType(type), (name) =>
    name === 'HUGEINT' || name === 'INTERVAL' || name.startsWith('DECIMAL') ? 'VARCHAR' : name,
  );
}

/** As DuckDB itself writes it, so that it can be compared; with what `leaf` makes of the names of scalar types. */
export function nameOf(type: TypeTree, leaf: (name: string) => string = (name) => name): string {
  switch (type.kind) {
    case 'scalar':
      return leaf(DUCKDB_TYPES[type.name]);
    case 'decimal':
      return leaf(`DECIMAL(${type.precision},${type.scale})`);
    case 'list':
      return `${nameOf(type.element, leaf)}[]`;
    case 'array':
      return `${nameOf(type.element, leaf)}[${type.size}]`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${fieldName(field.name)} ${nameOf(field.type, leaf)}`).join(', ')})`;
    case 'map':
      return `MAP(${nameOf(type.key, leaf)}, ${nameOf(type.value, leaf)})`;
  }
}

export function isInteger(name: string): boolean {
  return name in INTEGERS;
}

/** DuckDB writes a field's name in quotes only where it needs them. */
function fieldName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoted(name);
}
