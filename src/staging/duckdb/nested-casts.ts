import { leavesOf, type ScalarType, type TypeTree } from '../../schemas/property-types';
import { isInteger, nameOf } from './duckdb-types';
import { literal, quoted } from './sql-text';

/** Types whose text is not what DuckDB would read. */
const OWN_TEXT = ['INTERVAL', 'BLOB', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'];
/** A list of numbers, such as an embedding, whose FLOATs are those that are next to them. */
const NUMBERS = /^(FLOAT|DOUBLE)\[\d*\]$/;

/** How text becomes a scalar: `castTo` of `casts.ts`, which knows of these and is not known here. */
type CastText = (column: string, source: 'VARCHAR', type: ScalarType) => { sql: string };

/** Lists, maps and structs come as they are, or as JSON text; one of which any part does not fit does not fit. */
export function toNested(
  column: string,
  source: string,
  type: TypeTree,
  cast: CastText,
): { sql: string; canFail: boolean } {
  return { sql: nestedSql(column, source, type, cast), canFail: true };
}

function nestedSql(column: string, source: string, type: TypeTree, castText: CastText): string {
  const target = nameOf(type);
  const scalars = leavesOf(type).map((leaf) => nameOf(leaf));
  const some = (names: string[]): boolean => scalars.some((name) => names.includes(name));
  if (source === 'VARCHAR') return some(OWN_TEXT) ? byParts(column, type, castText) : fromJson(column, type);
  if (!/[\])]$/.test(source)) return `cast(null as ${target})`;
  const cast = `try_cast(${column} as ${target})`;
  if (/^FLOAT\[\d*\]$/.test(target) && NUMBERS.test(source)) {
    // A number that is no FLOAT becomes null.
    const count = (list: string): string => `list_count(cast(${list} as DOUBLE[]))`;
    return only(`${count(cast)} = ${count(column)}`, cast, type);
  }
  // Bytes are no part of JSON; what is bytes in a file is not what is text in a type.
  if (some([...OWN_TEXT, 'FLOAT']) && !source.includes('BLOB'))
    return byParts(`cast(to_json(${column}) as varchar)`, type, castText);
  // A cast would round the whole numbers inside: a value whose cast says something else than the value itself does not fit.
  return only(`try_cast(${cast} as ${source}) is not distinct from ${column}`, cast, type);
}

/** A value where that is so, else null. DuckDB's CASE knows no arrays: there they are lists. */
function only(condition: string, value: string, type: TypeTree): string {
  const [target, listed] = [nameOf(type), listedName(type)];
  if (target === listed) return `case when ${condition} then ${value} end`;
  return `cast(case when ${condition} then cast(${value} as ${listed}) end as ${target})`;
}

function listedName(type: TypeTree, leaf?: (name: string) => string): string {
  return nameOf(type, leaf).replace(/\[\d+\]/g, '[]');
}

/** A cast of JSON would round whole numbers: what it says has to be what it says with fractions. */
function fromJson(column: string, type: TypeTree): string {
  const read = (as: string): string => `try(cast(try_cast(${column} as json) as ${as}))`;
  const target = nameOf(type);
  const loose = nameOf(type, (name) => (isInteger(name) ? 'DOUBLE' : name));
  if (loose === target) return read(target);
  return only(`cast(${read(target)} as ${loose}) is not distinct from ${read(loose)}`, read(target), type);
}

/** Reads JSON with text in the place of every scalar, which loses nothing, and casts each as a column of text would be. */
function byParts(column: string, type: TypeTree, castText: CastText): string {
  const text = (): string => 'VARCHAR';
  // What is read several times is read outside of the other "try", which would not catch its failures.
  const read = `try(cast(try_cast(${column} as json) as ${nameOf(type, text)}))`;
  const texts = nameOf(type, text) === listedName(type, text) ? read : `cast(${read} as ${listedName(type, text)})`;
  return `cast(try(${part(texts, type, castText, 0)}) as ${nameOf(type)})`;
}

/**
 * What is null, or becomes null because a part of it does not fit; arrays, whose lengths were right when they were read, are
 * lists. `depth` keeps the names of elements apart.
 */
function part(value: string, type: TypeTree, castText: CastText, depth: number): string {
  const each = `e${depth}`;
  const converted = (list: string, of: TypeTree): string =>
    `list_transform(${list}, ${each} -> ${part(each, of, castText, depth + 1)})`;
  const isWhole = (list: string, of: TypeTree): string => `list_count(${converted(list, of)}) = list_count(${list})`;
  switch (type.kind) {
    case 'scalar':
      return castText(value, 'VARCHAR', type.name).sql;
    case 'decimal':
      return `cast(null as ${nameOf(type)})`;
    case 'list':
    case 'array':
      return `case when ${isWhole(value, type.element)} then ${converted(value, type.element)} end`;
    case 'struct': {
      const fields = type.fields.map((field) => {
        const text = `struct_extract(${value}, ${literal(field.name)})`;
        return { name: quoted(field.name), text, cast: part(text, field.type, castText, depth) };
      });
      const fits = fields.map(({ text, cast }) => `(${text} is null) = (${cast} is null)`).join(' and ');
      const packed = fields.map(({ name, cast }) => `${name} := ${cast}`).join(', ');
      return `case when ${value} is not null and ${fits} then struct_pack(${packed}) end`;
    }
    case 'map': {
      const [keys, values] = [`map_keys(${value})`, `map_values(${value})`];
      const fits = `${isWhole(keys, type.key)} and ${isWhole(values, type.value)}`;
      return `case when ${fits} then map(${converted(keys, type.key)}, ${converted(values, type.value)}) end`;
    }
  }
}
