import type { FieldProblem } from '../common/problem';
import { InvalidRequest } from '../common/problem.filter';
import {
  type GraphSchema,
  type NodeType,
  type Property,
  PROPERTY_TYPES,
  type PropertyType,
  type RelationshipType,
} from './graph-schema';

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
/** Names that results use for the inner parts of nodes and relationships. */
const RESERVED = new Set(['_id', '_label', '_src', '_dst', '_nodes', '_rels']);
const MAX_TYPES = 500;
const MAX_PROPERTIES = 500;
/** Other names for types that people bring from SQL and Cypher. */
const ALIASES: Record<string, PropertyType> = {
  TEXT: 'STRING',
  VARCHAR: 'STRING',
  BOOL: 'BOOLEAN',
  BIGINT: 'INT64',
  INTEGER: 'INT32',
  INT: 'INT32',
  DATETIME: 'TIMESTAMP',
  FLOAT64: 'DOUBLE',
};

type Path = (string | number)[];
type Raw = Record<string, unknown>;

/** Reads a schema in the form of the wire contract. Throws {@link InvalidRequest} with every problem and its path. */
export function parseSchema(input: object, path: Path = ['body', 'custom_schema']): GraphSchema {
  return new SchemaParser().parse(input as Raw, path);
}

class SchemaParser {
  private readonly problems: FieldProblem[] = [];

  parse(raw: Raw, path: Path): GraphSchema {
    this.knownKeys(raw, ['name', 'version', 'description', 'extends', 'nodes', 'relationships', 'metadata'], path);
    if (raw.extends != null)
      this.problem([...path, 'extends'], 'base schemas are not available yet: leave it out', 'not_implemented');
    const nodes = this.list(raw.nodes, [...path, 'nodes']).map(([node, at]) => this.node(node, at));
    const nodeNames = new Set(nodes.map((node) => node.name));
    const relationships = this.list(raw.relationships, [...path, 'relationships']).map(([relationship, at]) =>
      this.relationship(relationship, at, nodeNames),
    );
    this.distinct([...nodes, ...relationships], path, 'type');
    this.oneTypeForEachProperty(nodes, [...path, 'nodes']);
    this.oneTypeForEachProperty(relationships, [...path, 'relationships']);
    const schema = {
      name: this.text(raw.name, [...path, 'name']) ?? '',
      version: this.optionalText(raw.version, [...path, 'version']) ?? '1.0.0',
      description: this.optionalText(raw.description, [...path, 'description']),
      nodes,
      relationships,
    };
    if (this.problems.length > 0) throw new InvalidRequest(this.problems);
    return schema;
  }

  private node(raw: Raw, path: Path): NodeType {
    this.knownKeys(raw, ['name', 'description', 'properties'], path);
    const properties = this.properties(raw.properties, [...path, 'properties'], true);
    const keys = properties.filter((property) => property.isKey);
    if (keys.length !== 1) {
      this.problem(
        [...path, 'properties'],
        `exactly one property must have is_primary_key, found ${keys.length}`,
        'primary_key',
      );
    }
    return {
      name: this.identifier(raw.name, [...path, 'name']),
      description: this.optionalText(raw.description, [...path, 'description']),
      primaryKey: keys[0]?.name ?? '',
      properties: properties.map(({ isKey, ...property }) => ({ ...property, required: property.required || isKey })),
    };
  }

  private relationship(raw: Raw, path: Path, nodeNames: Set<string>): RelationshipType {
    this.knownKeys(
      raw,
      ['name', 'description', 'from_node', 'to_node', 'from_column', 'to_column', 'properties'],
      path,
    );
    const end = (key: 'from_node' | 'to_node'): string => {
      const name = this.text(raw[key], [...path, key]) ?? '';
      if (name !== '' && !nodeNames.has(name))
        this.problem([...path, key], `there is no node type "${name}"`, 'unknown_node');
      return name;
    };
    return {
      name: this.identifier(raw.name, [...path, 'name']),
      description: this.optionalText(raw.description, [...path, 'description']),
      from: end('from_node'),
      to: end('to_node'),
      fromColumn: this.optionalText(raw.from_column, [...path, 'from_column']),
      toColumn: this.optionalText(raw.to_column, [...path, 'to_column']),
      properties: this.properties(raw.properties ?? [], [...path, 'properties'], false).map(
        ({ isKey: _, ...property }) => property,
      ),
    };
  }

  private properties(input: unknown, path: Path, keyed: boolean): (Property & { isKey: boolean })[] {
    const properties = this.list(input, path).map(([raw, at]) => {
      this.knownKeys(
        raw,
        ['name', 'type', 'description', 'nullable', 'required', ...(keyed ? ['is_primary_key'] : [])],
        at,
      );
      const type = this.type(raw.type, [...at, 'type']);
      const isKey = this.flag(raw.is_primary_key, [...at, 'is_primary_key']) ?? false;
      if (isKey && (type === 'FLOAT' || type === 'DOUBLE' || type === 'BOOLEAN')) {
        this.problem([...at, 'type'], `a primary key cannot be ${type}`, 'primary_key');
      }
      const nullable = this.flag(raw.nullable, [...at, 'nullable']) ?? true;
      return {
        name: this.identifier(raw.name, [...at, 'name']),
        type,
        required: this.flag(raw.required, [...at, 'required']) ?? !nullable,
        description: this.optionalText(raw.description, [...at, 'description']),
        isKey,
      };
    });
    if (properties.length > MAX_PROPERTIES) this.problem(path, `at most ${MAX_PROPERTIES} properties`, 'too_many');
    this.distinct(properties, path, 'property');
    return properties;
  }

  private type(value: unknown, path: Path): PropertyType {
    const name = typeof value === 'string' ? value.toUpperCase() : '';
    const type = ALIASES[name] ?? PROPERTY_TYPES.find((candidate) => candidate === name);
    if (type === undefined) this.problem(path, `must be one of ${PROPERTY_TYPES.join(', ')}`, 'unknown_type');
    return type ?? 'STRING';
  }

  private identifier(value: unknown, path: Path): string {
    const name = this.text(value, path) ?? '';
    if (name !== '' && (!IDENTIFIER.test(name) || RESERVED.has(name))) {
      this.problem(path, 'must be a letter followed by at most 63 letters, digits or _', 'identifier');
    }
    return name;
  }

  private distinct(named: { name: string }[], path: Path, what: string): void {
    const seen = new Set<string>();
    for (const { name } of named) {
      // The engine's names do not tell upper case from lower.
      const key = name.toLowerCase();
      if (name !== '' && seen.has(key)) this.problem(path, `${what} "${name}" is there twice`, 'duplicate');
      seen.add(key);
    }
  }

  /**
   * The engine keeps one column for a property name when it reads several types at once (`MATCH (n) RETURN n`), and gives
   * wrong values where their types differ.
   */
  private oneTypeForEachProperty(types: { name: string; properties: Property[] }[], path: Path): void {
    const seen = new Map<string, { type: PropertyType; in: string }>();
    for (const [index, { name, properties }] of types.entries()) {
      for (const property of properties) {
        const known = seen.get(property.name) ?? { type: property.type, in: name };
        seen.set(property.name, known);
        if (known.type === property.type) continue;
        const both = `"${property.name}" is ${known.type} in ${known.in} and ${property.type} in ${name}`;
        this.problem(
          [...path, index, 'properties'],
          `${both}: give both one type, or another name`,
          'property_type_clash',
        );
      }
    }
  }

  private list(value: unknown, path: Path): [Raw, Path][] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.problem(path, 'must be a list', 'list');
      return [];
    }
    if (value.length > MAX_TYPES) this.problem(path, `at most ${MAX_TYPES} entries`, 'too_many');
    return value.slice(0, MAX_TYPES).flatMap((entry: unknown, index): [Raw, Path][] => {
      if (typeof entry === 'object' && entry !== null && !Array.isArray(entry))
        return [[entry as Raw, [...path, index]]];
      this.problem([...path, index], 'must be an object', 'object');
      return [];
    });
  }

  private knownKeys(raw: Raw, known: string[], path: Path): void {
    for (const key of Object.keys(raw)) {
      if (!known.includes(key))
        this.problem([...path, key], `is not known here; known are ${known.join(', ')}`, 'unknown_field');
    }
  }

  private text(value: unknown, path: Path): string | undefined {
    if (typeof value === 'string' && value.trim() !== '' && value.length <= 2_000 && !value.includes('\0'))
      return value;
    this.problem(path, 'must be a text that is not empty', 'text');
    return undefined;
  }

  private optionalText(value: unknown, path: Path): string | undefined {
    return value === undefined || value === null ? undefined : this.text(value, path);
  }

  private flag(value: unknown, path: Path): boolean | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'boolean') this.problem(path, 'must be true or false', 'boolean');
    return value === true;
  }

  private problem(loc: Path, msg: string, type: string): void {
    this.problems.push({ loc, msg, type });
  }
}
