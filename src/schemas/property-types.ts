/** Types of one value: the engine's names. DECIMAL and the nested types take parameters, see {@link TypeTree}. */
export const SCALAR_TYPES = [
  'STRING',
  'BOOLEAN',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'INT128',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP_TZ',
  'INTERVAL',
  'UUID',
  'BLOB',
] as const;
export type ScalarType = (typeof SCALAR_TYPES)[number];

/** A type in the engine's spelling, as {@link typeName} writes it: `INT64`, `STRING[]`, `STRUCT(x INT64, y DATE[])`. */
export type PropertyType = string;

export type TypeTree =
  | { kind: 'scalar'; name: ScalarType }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'list'; element: TypeTree }
  | { kind: 'array'; element: TypeTree; size: number }
  | { kind: 'struct'; fields: { name: string; type: TypeTree }[] }
  | { kind: 'map'; key: TypeTree; value: TypeTree };

/** Why a text is no type, in words for the user. */
export class TypeProblem extends Error {}

/** Other names for types that people bring from SQL and Cypher. */
const ALIASES: Record<string, ScalarType> = {
  TEXT: 'STRING',
  VARCHAR: 'STRING',
  BOOL: 'BOOLEAN',
  BIGINT: 'INT64',
  INTEGER: 'INT32',
  INT: 'INT32',
  SMALLINT: 'INT16',
  DATETIME: 'TIMESTAMP',
  FLOAT64: 'DOUBLE',
  HUGEINT: 'INT128',
  BYTES: 'BLOB',
};

/** What the engine knows but a graph that is loaded from files cannot have, and what to take instead. */
const REFUSED: Record<string, string> = {
  SERIAL: 'numbers that the engine gives would change with every load: take INT64 and bring the values',
  JSON: 'the engine has no such type without an extension: take STRING, or STRUCT, MAP and lists',
  UNION: 'the engine cannot load it from files: take one property for each of its types',
  TIMESTAMP_NS: 'the engine cannot load it from files: take TIMESTAMP, which holds microseconds',
  TIMESTAMP_MS: 'take TIMESTAMP, which holds more',
  TIMESTAMP_SEC: 'take TIMESTAMP, which holds more',
  TIME: 'the engine has no such type: take STRING or TIMESTAMP',
  LIST: 'say of what: "STRING[]" or "LIST(STRING)"',
  ARRAY: 'say of what and how many: "DOUBLE[3]" or "ARRAY(DOUBLE, 3)"',
  STRUCT: 'name its fields: "STRUCT(x INT64, y STRING)"',
  MAP: 'say from what to what: "MAP(STRING, INT64)"',
};
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const DEEPEST = 8;
const MOST_FIELDS = 100;
const LONGEST = 2_000;
const MOST_ELEMENTS = 65_536;

/** Reads a type. Throws {@link TypeProblem}. Upper and lower case are the same but in the names of a STRUCT's fields. */
export function parseType(text: string): TypeTree {
  if (text.length > LONGEST) throw new TypeProblem(`a type has at most ${LONGEST} characters`);
  return new TypeReader(text.match(/[A-Za-z0-9_]+|[^\s]/g) ?? []).whole();
}

/** The one spelling of a type that the platform keeps; the engine and its files understand it. */
export function typeName(type: TypeTree): PropertyType {
  switch (type.kind) {
    case 'scalar':
      return type.name;
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'list':
      return `${typeName(type.element)}[]`;
    case 'array':
      return `${typeName(type.element)}[${type.size}]`;
    case 'struct':
      return `STRUCT(${type.fields.map(({ name, type: field }) => `${name} ${typeName(field)}`).join(', ')})`;
    case 'map':
      return `MAP(${typeName(type.key)}, ${typeName(type.value)})`;
  }
}

/** The types at the leaves of a type; its own where it is not nested. */
export function leavesOf(type: TypeTree): TypeTree[] {
  switch (type.kind) {
    case 'scalar':
    case 'decimal':
      return [type];
    case 'list':
    case 'array':
      return leavesOf(type.element);
    case 'struct':
      return type.fields.flatMap((field) => leavesOf(field.type));
    case 'map':
      return [...leavesOf(type.key), ...leavesOf(type.value)];
  }
}

/** The structs and maps in a type that are in no other ones. */
function recordsOf(type: TypeTree): TypeTree[] {
  if (type.kind === 'list' || type.kind === 'array') return recordsOf(type.element);
  return type.kind === 'struct' || type.kind === 'map' ? [type] : [];
}

export function isNested({ kind }: TypeTree): boolean {
  return kind !== 'scalar' && kind !== 'decimal';
}

class TypeReader {
  private at = 0;

  constructor(private readonly tokens: string[]) {}

  whole(): TypeTree {
    const type = this.type(0);
    if (this.at < this.tokens.length) throw new TypeProblem(`"${this.tokens[this.at]}" is too much in the type`);
    if (isNested(type)) {
      const wide = leavesOf(type).find(
        (leaf) => leaf.kind === 'decimal' || (leaf.kind === 'scalar' && leaf.name === 'INT128'),
      );
      if (wide)
        throw new TypeProblem(
          `${typeName(wide)} inside a nested type cannot be loaded by the engine: take DOUBLE, INT64 or STRING there`,
        );
      // It casts text to an INTERVAL, and fails on what has none inside of these.
      const inRecord = recordsOf(type).flatMap(leavesOf);
      if (inRecord.some((leaf) => leaf.kind === 'scalar' && leaf.name === 'INTERVAL'))
        throw new TypeProblem('INTERVAL inside a STRUCT or MAP cannot be loaded by the engine: take STRING there');
    }
    return type;
  }

  private type(depth: number): TypeTree {
    if (depth > DEEPEST) throw new TypeProblem(`types are nested at most ${DEEPEST} deep`);
    let type = this.named(depth);
    while (this.skip('[')) {
      type = this.skip(']') ? { kind: 'list', element: type } : { kind: 'array', element: type, size: this.size(']') };
    }
    return type;
  }

  private named(depth: number): TypeTree {
    const word = (this.tokens[this.at++] ?? '').toUpperCase();
    const parameters = this.tokens[this.at] === '(';
    if (parameters && ['LIST', 'ARRAY', 'STRUCT', 'MAP', 'DECIMAL', 'NUMERIC'].includes(word))
      return this.parameters(word, depth);
    if (word === 'DECIMAL' || word === 'NUMERIC') return { kind: 'decimal', precision: 18, scale: 3 };
    const name = ALIASES[word] ?? SCALAR_TYPES.find((scalar) => scalar === word);
    if (name !== undefined) return { kind: 'scalar', name };
    if (Object.hasOwn(REFUSED, word)) throw new TypeProblem(`${word}: ${REFUSED[word]}`);
    throw new TypeProblem(
      `must be one of ${SCALAR_TYPES.join(', ')}, DECIMAL(p, s), or made of them: T[], T[n], STRUCT(name T, ...), MAP(K, V)`,
    );
  }

  private parameters(word: string, depth: number): TypeTree {
    this.expect('(');
    switch (word) {
      case 'LIST': {
        const element = this.type(depth + 1);
        this.expect(')');
        return { kind: 'list', element };
      }
      case 'ARRAY': {
        const element = this.type(depth + 1);
        this.expect(',');
        return { kind: 'array', element, size: this.size(')') };
      }
      case 'MAP': {
        const key = this.type(depth + 1);
        if (isNested(key)) throw new TypeProblem('the keys of a MAP must be plain values');
        this.expect(',');
        const value = this.type(depth + 1);
        this.expect(')');
        return { kind: 'map', key, value };
      }
      case 'STRUCT':
        return this.struct(depth);
      default:
        return this.decimal();
    }
  }

  private struct(depth: number): TypeTree {
    const fields: { name: string; type: TypeTree }[] = [];
    do {
      const name = this.tokens[this.at++] ?? '';
      if (!FIELD_NAME.test(name) || RESERVED_WORDS.has(name.toUpperCase()))
        throw new TypeProblem(
          `"${name}" cannot be the name of a field: take a letter followed by letters, digits or _, and no word of the query language`,
        );
      if (fields.some((field) => field.name.toLowerCase() === name.toLowerCase()))
        throw new TypeProblem(`the field "${name}" is there twice`);
      fields.push({ name, type: this.type(depth + 1) });
    } while (this.skip(','));
    this.expect(')');
    if (fields.length > MOST_FIELDS) throw new TypeProblem(`a STRUCT has at most ${MOST_FIELDS} fields`);
    return { kind: 'struct', fields };
  }

  private decimal(): TypeTree {
    const precision = Number(this.tokens[this.at++]);
    const scale = this.skip(',') ? Number(this.tokens[this.at++]) : 0;
    this.expect(')');
    if (!Number.isInteger(precision) || precision < 1 || precision > 38)
      throw new TypeProblem('the precision of a DECIMAL is 1 to 38');
    if (!Number.isInteger(scale) || scale < 0 || scale > precision)
      throw new TypeProblem('the scale of a DECIMAL is 0 to its precision');
    return { kind: 'decimal', precision, scale };
  }

  private size(closing: string): number {
    const size = Number(this.tokens[this.at++]);
    if (!Number.isInteger(size) || size < 1 || size > MOST_ELEMENTS)
      throw new TypeProblem(`an ARRAY has 1 to ${MOST_ELEMENTS} elements`);
    this.expect(closing);
    return size;
  }

  private skip(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at += 1;
    return true;
  }

  private expect(token: string): void {
    if (!this.skip(token)) throw new TypeProblem(`"${token}" is missing in the type`);
  }
}

/** Words that the engine's grammar refuses as a name unless it stands in backticks; found by asking it for each. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  (
    'ACYCLIC ALL AND ANY ASC ASCENDING CASE CAST COLUMN COMMIT_SKIP_CHECKPOINT CREATE DBTYPE DEFAULT DESC DESCENDING ' +
    'DISTINCT ELSE END ENDS EXISTS FALSE FOR GLOB GROUP HEADERS HINT IN INSTALL INDEX JOIN MACRO MULTI_JOIN NOT NONE ' +
    'NULL ON ONLY OPTIONAL OR ORDER PRIMARY PROFILE ROLLBACK_SKIP_CHECKPOINT SHORTEST SINGLE STARTS TABLE THEN TRAIL ' +
    'TRUE UNION UNWIND WHEN WHERE WITH WSHORTEST XOR'
  ).split(' '),
);
