import { defaultText } from './default-values';
import { type EndPair, type GraphSchema, type NodeType, type Property, type RelationshipType } from './graph-schema';
import { parseType, type PropertyType, RESERVED_WORDS, typeName, TypeProblem, type TypeTree } from './property-types';
import { type Origin, type Path, type Raw, RawReader } from './raw-reader';

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
/** Names that results use for the inner parts of nodes, relationships and paths, and one that reading files needs. */
const TAKEN = new Set(['_id', '_label', '_src', '_dst', '_nodes', '_rels', 'file_row_number']);
/** Columns that say which pair of labels a row joins, where its relationship has several. */
export const LABEL_COLUMNS = { from: 'from_label', to: 'to_label' } as const;
const NO_KEY = ['BOOLEAN', 'FLOAT', 'DOUBLE', 'INTERVAL', 'BLOB', 'TIMESTAMP_TZ', 'INT128'];

/**
 * Reads a schema in the form of the wire contract. Throws `InvalidRequest` with every problem and its path; `origins`
 * says it for parts that the sender wrote elsewhere.
 */
export function parseSchema(
  input: object,
  path: Path = ['body', 'custom_schema'],
  origins: ReadonlyMap<object, Origin> = new Map(),
): GraphSchema {
  return new SchemaParser(origins).parse(input as Raw, path);
}

type Located<T> = T & { at: Path; from?: string };

class SchemaParser extends RawReader {
  parse(raw: Raw, path: Path): GraphSchema {
    this.knownKeys(raw, ['name', 'version', 'description', 'nodes', 'relationships', 'metadata'], path);
    const nodes = this.list(raw.nodes, [...path, 'nodes']).map(([node, at]) => this.node(node, at));
    const names = new Set(nodes.map(({ type }) => type.name));
    const relationships = this.list(raw.relationships, [...path, 'relationships']).map(([relationship, at]) =>
      this.relationship(relationship, at, names),
    );
    this.distinct(
      [...nodes, ...relationships].map(({ type, at, label }) => ({ name: type.name, at, from: label })),
      'type',
    );
    this.oneTypeForEachProperty(nodes);
    this.oneTypeForEachProperty(relationships);
    const schema = {
      name: this.text(raw.name, [...path, 'name']) ?? '',
      version: this.optionalText(raw.version, [...path, 'version']) ?? '1.0.0',
      description: this.optionalText(raw.description, [...path, 'description']),
      nodes: nodes.map(({ type }) => type),
      relationships: relationships.map(({ type }) => type),
    };
    this.refuseProblems();
    return schema;
  }

  private node(raw: Raw, at: Path): { type: NodeType; at: Path; label?: string } {
    this.knownKeys(raw, ['name', 'description', 'properties'], at);
    const properties = this.properties(raw.properties, [...at, 'properties'], true);
    const keys = properties.filter((property) => property.isKey);
    if (keys.length !== 1) {
      const why = keys.length > 1 ? ': the engine has no keys of several properties' : '';
      this.problem(
        [...at, 'properties'],
        `exactly one property must have is_primary_key, found ${keys.length}${why}`,
        'primary_key',
      );
    }
    const type = {
      name: this.identifier(raw.name, [...at, 'name']),
      description: this.optionalText(raw.description, [...at, 'description']),
      primaryKey: keys[0]?.name ?? '',
      properties: properties.map(({ isKey, ...property }) => ({ ...property, required: property.required || isKey })),
    };
    return { type, at, label: this.origins.get(raw)?.label };
  }

  private relationship(raw: Raw, at: Path, nodes: Set<string>): { type: RelationshipType; at: Path; label?: string } {
    const known = ['name', 'description', 'from_node', 'to_node', 'pairs', 'from_column', 'to_column', 'properties'];
    this.knownKeys(raw, known, at);
    const pairs = this.pairs(raw, at, nodes);
    const properties = this.properties(raw.properties ?? [], [...at, 'properties'], false).map(
      ({ isKey: _, ...property }) => property,
    );
    const label = pairs.length > 1 && properties.find(({ name }) => isLabelColumn(name));
    if (label)
      this.problem(
        [...at, 'properties'],
        `"${label.name}" is the column that says which pair a row joins: give the property another name`,
        'identifier',
      );
    const type = {
      name: this.identifier(raw.name, [...at, 'name']),
      description: this.optionalText(raw.description, [...at, 'description']),
      from: pairs[0]?.from ?? '',
      to: pairs[0]?.to ?? '',
      ...(pairs.length > 1 && { pairs }),
      fromColumn: this.optionalText(raw.from_column, [...at, 'from_column']),
      toColumn: this.optionalText(raw.to_column, [...at, 'to_column']),
      properties,
    };
    return { type, at, label: this.origins.get(raw)?.label };
  }

  private pairs(raw: Raw, at: Path, nodes: Set<string>): EndPair[] {
    if (raw.pairs === undefined || raw.pairs === null) return [this.pair(raw, at, nodes)];
    for (const key of ['from_node', 'to_node'])
      if (raw[key] != null) this.problem([...at, key], 'is one of the pairs: say it there', 'pairs');
    const pairs = this.list(raw.pairs, [...at, 'pairs']).map(([pair, place]) => {
      this.knownKeys(pair, ['from_node', 'to_node'], place);
      return this.pair(pair, place, nodes);
    });
    if (pairs.length === 0) this.problem([...at, 'pairs'], 'at least one pair', 'pairs');
    for (const [index, { from, to }] of pairs.entries()) {
      if (pairs.findIndex((other) => other.from === from && other.to === to) < index)
        this.problem([...at, 'pairs', index], `the pair from ${from} to ${to} is there twice`, 'duplicate');
    }
    return pairs;
  }

  private pair(raw: Raw, at: Path, nodes: Set<string>): EndPair {
    const end = (key: 'from_node' | 'to_node'): string => {
      const name = this.text(raw[key], [...at, key]) ?? '';
      if (name !== '' && !nodes.has(name))
        this.problem([...at, key], `there is no node type "${name}"`, 'unknown_node');
      return name;
    };
    return { from: end('from_node'), to: end('to_node') };
  }

  private properties(input: unknown, path: Path, ofNode: boolean): (Property & { isKey: boolean })[] {
    const located = this.list(input, path).map(([raw, at]) => ({ ...this.property(raw, at, ofNode), at }));
    this.distinct(located, 'property');
    return located.map(({ at: _, ...property }) => property);
  }

  private property(raw: Raw, at: Path, ofNode: boolean): Property & { isKey: boolean } {
    const known = ['name', 'type', 'description', 'nullable', 'required', 'unique', 'default', 'is_primary_key'];
    this.knownKeys(raw, ofNode ? known : known.slice(0, -1), at);
    const type = this.type(raw.type, [...at, 'type']);
    const isKey = this.flag(raw.is_primary_key, [...at, 'is_primary_key']) ?? false;
    if (isKey && type && !canBeKey(type))
      this.problem([...at, 'type'], `a primary key cannot be ${typeName(type)}`, 'primary_key');
    if ((this.flag(raw.unique, [...at, 'unique']) ?? false) && !isKey)
      this.problem(
        [...at, 'unique'],
        'the engine keeps only primary keys unique: make it the key, or leave unique out',
        'unique',
      );
    const nullable = this.flag(raw.nullable, [...at, 'nullable']) ?? true;
    const value = type && this.default(raw.default, type, isKey, [...at, 'default']);
    return {
      name: this.identifier(raw.name, [...at, 'name']),
      type: type ? typeName(type) : 'STRING',
      required: this.flag(raw.required, [...at, 'required']) ?? !nullable,
      ...(value !== undefined && { default: value }),
      description: this.optionalText(raw.description, [...at, 'description']),
      isKey,
    };
  }

  private type(value: unknown, path: Path): TypeTree | undefined {
    return this.attempt(path, 'unknown_type', () => parseType(typeof value === 'string' ? value : ''));
  }

  private default(value: unknown, type: TypeTree, isKey: boolean, path: Path): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (isKey) this.problem(path, 'a primary key has no default: every node needs a key of its own', 'default');
    return this.attempt(path, 'default', () => defaultText(value, type));
  }

  private attempt<T>(path: Path, kind: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof TypeProblem)) throw error;
      this.problem(path, error.message, kind);
      return undefined;
    }
  }

  private identifier(value: unknown, path: Path): string {
    const name = this.text(value, path) ?? '';
    if (name === '') return name;
    if (TAKEN.has(name.toLowerCase()))
      this.problem(path, `"${name}" is a name that the platform needs for itself: take another`, 'identifier');
    else if (!IDENTIFIER.test(name))
      this.problem(path, 'must be a letter followed by at most 63 letters, digits or _', 'identifier');
    else if (RESERVED_WORDS.has(name.toUpperCase()))
      this.problem(path, `"${name}" is a word of the query language: take another, such as ${name}_`, 'reserved_word');
    return name;
  }

  private distinct(named: Located<{ name: string }>[], what: string): void {
    const seen = new Map<string, Located<{ name: string }>>();
    for (const one of named) {
      // The engine's names do not tell upper case from lower.
      const key = one.name.toLowerCase();
      const other = seen.get(key);
      if (one.name !== '' && other) {
        const both = one.from || other.from ? `: in ${sourceOf(other.from)} and in ${sourceOf(one.from)}` : '';
        this.problem(one.at, `${what} "${one.name}" is there twice${both}`, 'duplicate');
      } else seen.set(key, one);
    }
  }

  /**
   * The engine keeps one column for a property name when it reads several types at once (`MATCH (n) RETURN n`), and gives
   * wrong values where their types differ.
   */
  private oneTypeForEachProperty(
    types: { type: { name: string; properties: Property[] }; at: Path; label?: string }[],
  ): void {
    const seen = new Map<string, { type: PropertyType; in: string }>();
    for (const { type, at, label } of types) {
      const name = label === undefined ? type.name : `${type.name} (${label})`;
      for (const property of type.properties) {
        const known = seen.get(property.name) ?? { type: property.type, in: name };
        seen.set(property.name, known);
        if (known.type === property.type) continue;
        const both = `"${property.name}" is ${known.type} in ${known.in} and ${property.type} in ${name}`;
        this.problem([...at, 'properties'], `${both}: give both one type, or another name`, 'property_type_clash');
      }
    }
  }
}

function canBeKey(type: TypeTree): boolean {
  return type.kind === 'scalar' && !NO_KEY.includes(type.name);
}

function isLabelColumn(name: string): boolean {
  return Object.values<string>(LABEL_COLUMNS).includes(name.toLowerCase());
}

function sourceOf(label: string | undefined): string {
  return label ?? 'the custom schema';
}
