import type { Lane } from './lanes';
import { parseType, type TableTypes, type ValueType } from '../value-types';

const LIMIT_MS = 10_000;

/** Reads the property types of all tables, which values of NODE and REL do not carry. Done once per host, when needed. */
export async function readTableTypes(lane: Lane): Promise<TableTypes> {
  const tables = await rowsOf(lane, 'CALL show_tables() RETURN name');
  const types = new Map<string, ReadonlyMap<string, ValueType>>();
  for (const { name } of tables) {
    const quoted = `'${String(name).replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
    const properties = await rowsOf(lane, `CALL table_info(${quoted}) RETURN name, type`);
    types.set(
      String(name),
      new Map(properties.map((property) => [String(property.name), parseType(String(property.type))])),
    );
  }
  return types;
}

async function rowsOf(lane: Lane, statement: string): Promise<Record<string, unknown>[]> {
  const result = await lane.execute(statement, {}, LIMIT_MS);
  try {
    return result.getAllSync();
  } finally {
    result.close();
  }
}
