import {
  type EndPair,
  type GraphSchema,
  type NodeType,
  pairsOf,
  type Property,
  type RelationshipType,
} from './graph-schema';
import { columnDefinition, nodeDefinition, pairDefinition, quoted, relationshipDefinition } from './schema-definitions';

export type Verdict = 'compatible' | 'confirm' | 'refused';

/** One thing that a proposed schema changes. */
export interface SchemaChange {
  /** Where: `nodes.Person.properties.age`. */
  path: string;
  change: 'added' | 'dropped' | 'changed';
  /** `confirm`: data is lost; `refused`: cannot be done to a graph that is there. */
  verdict: Verdict;
  message: string;
  /** What the engine has to run; a change of words needs nothing. */
  statement?: string;
}

/** Rows of each type in the live data. */
export type RowCounts = Readonly<Record<string, number>>;

type Type = NodeType | RelationshipType;

/** What must go first: what leans on others before them, and room for the new before the new. */
const ORDER = [
  'drop relationship',
  'drop pair',
  'drop property',
  'drop node',
  'node',
  'property',
  'pair',
  'relationship',
];

/** Everything that makes `target` out of `current`, in the order in which it can be done. */
export function compareSchemas(current: GraphSchema, target: GraphSchema, rows: RowCounts): SchemaChange[] {
  return new Comparison(current, target, rows).changes();
}

/** Relationships that led one way only and lead several now, with that way: rows that say no types meant it. */
export function formerOnlyPairs(before: GraphSchema, after: GraphSchema): { table: string; pair: EndPair }[] {
  return after.relationships.flatMap((relationship) => {
    const old = before.relationships.find(({ name }) => name === relationship.name);
    if (old === undefined || pairsOf(old).length > 1 || pairsOf(relationship).length === 1) return [];
    return [{ table: relationship.name, pair: pairsOf(old)[0] }];
  });
}

/** Whether statements must be run: without, only words change and the data stays as it is. */
export function statementsOf(changes: SchemaChange[]): string[] {
  return changes.flatMap(({ statement }) => statement ?? []);
}

class Comparison {
  private readonly found: (SchemaChange & { step: number })[] = [];

  constructor(
    private readonly current: GraphSchema,
    private readonly target: GraphSchema,
    private readonly rows: RowCounts,
  ) {}

  changes(): SchemaChange[] {
    const { current, target } = this;
    this.words('schema', current, target, ['name', 'version', 'description']);
    each(current.nodes, target.nodes, {
      added: (node) => this.add('node', `nodes.${node.name}`, `Node type ${node.name}`, nodeDefinition(node)),
      dropped: (node) => this.dropTable('node', `nodes.${node.name}`, node.name),
      both: (before, after) => this.node(before, after),
    });
    each(current.relationships, target.relationships, {
      added: (one) =>
        this.add(
          'relationship',
          `relationships.${one.name}`,
          `Relationship type ${one.name}`,
          relationshipDefinition(one),
        ),
      dropped: (one) => this.dropTable('relationship', `relationships.${one.name}`, one.name),
      both: (before, after) => this.relationship(before, after),
    });
    this.found.sort((a, b) => a.step - b.step);
    return this.found.map(({ step: _, ...change }) => change);
  }

  private node(before: NodeType, after: NodeType): void {
    const path = `nodes.${before.name}`;
    this.words(path, before, after, ['description']);
    if (before.primaryKey !== after.primaryKey) {
      const why = `The engine cannot give ${before.name} another primary key: make a new graph and load the files there`;
      this.note({ path, change: 'changed', verdict: 'refused', message: why });
      return;
    }
    this.properties(path, before, after);
  }

  private relationship(before: RelationshipType, after: RelationshipType): void {
    const path = `relationships.${before.name}`;
    this.words(path, before, after, ['description', 'fromColumn', 'toColumn']);
    const named = (type: RelationshipType) =>
      pairsOf(type).map((pair) => ({ ...pair, name: `${pair.from}->${pair.to}` }));
    const alter = `ALTER TABLE ${quoted(before.name)}`;
    each(named(before), named(after), {
      added: (pair) =>
        this.add(
          'pair',
          `${path}.pairs.${pair.name}`,
          `${before.name} from ${pair.from} to ${pair.to}`,
          `${alter} ADD ${pairDefinition(pair)}`,
        ),
      dropped: (pair) =>
        this.note(
          {
            path: `${path}.pairs.${pair.name}`,
            change: 'dropped',
            verdict: 'confirm',
            message: `Relationships ${before.name} from ${pair.from} to ${pair.to} are removed`,
            statement: `${alter} DROP ${pairDefinition(pair)}`,
          },
          'drop pair',
        ),
    });
    this.properties(path, before, after);
  }

  private properties(path: string, before: Type, after: Type): void {
    const alter = `ALTER TABLE ${quoted(before.name)}`;
    const rows = this.rows[before.name] ?? 0;
    each(before.properties, after.properties, {
      added: (property) => {
        const place = `${path}.properties.${property.name}`;
        const lacks = property.required && property.default === undefined && rows > 0;
        if (lacks) {
          const message = `${rows} rows of ${before.name} would lack the required ${property.name}: give it a default, or do not require it`;
          this.note({ path: place, change: 'added', verdict: 'refused', message });
        } else {
          this.add(
            'property',
            place,
            `Property ${property.name} of ${before.name}`,
            `${alter} ADD ${columnDefinition(property)}`,
          );
        }
      },
      dropped: (property) =>
        this.note(
          {
            path: `${path}.properties.${property.name}`,
            change: 'dropped',
            verdict: 'confirm',
            message: `The values of ${property.name} of ${before.name} are removed (${rows} rows)`,
            statement: `${alter} DROP ${quoted(property.name)}`,
          },
          'drop property',
        ),
      both: (old, next) => this.property(`${path}.properties.${old.name}`, before.name, old, next, rows),
    });
  }

  private property(path: string, type: string, before: Property, after: Property, rows: number): void {
    this.words(path, before, after, ['description']);
    const refuse = (message: string): void => this.note({ path, change: 'changed', verdict: 'refused', message });
    if (before.type !== after.type)
      refuse(
        `The engine cannot turn ${before.name} of ${type} from ${before.type} into ${after.type}: add a property of another name, or drop this one first`,
      );
    if (before.default !== after.default)
      refuse(
        `The engine cannot change the default of ${before.name} of ${type}: drop the property first, or add another`,
      );
    if (before.required === after.required) return;
    if (after.required && rows > 0)
      refuse(
        `${rows} rows of ${type} are there, and some may lack ${before.name}: it can be required while there are none`,
      );
    else {
      const message = `${before.name} of ${type} is ${after.required ? 'required' : 'not required any more'}`;
      this.note({ path, change: 'changed', verdict: 'compatible', message });
    }
  }

  private dropTable(kind: 'node' | 'relationship', path: string, name: string): void {
    const rows = this.rows[name] ?? 0;
    const message = `${name} is removed with its ${rows} rows`;
    const statement = `DROP TABLE ${quoted(name)}`;
    this.note({ path, change: 'dropped', verdict: 'confirm', message, statement }, `drop ${kind}`);
  }

  private add(
    step: 'node' | 'property' | 'pair' | 'relationship',
    path: string,
    what: string,
    statement: string,
  ): void {
    this.note({ path, change: 'added', verdict: 'compatible', message: `${what} is added`, statement }, step);
  }

  private words<T extends object>(path: string, before: T, after: T, fields: (keyof T & string)[]): void {
    for (const field of fields) {
      if (before[field] === after[field]) continue;
      this.note({ path: `${path}.${field}`, change: 'changed', verdict: 'compatible', message: `${field} is changed` });
    }
  }

  private note(change: SchemaChange, step?: string): void {
    this.found.push({ ...change, step: step === undefined ? -1 : ORDER.indexOf(step) });
  }
}

/** Compares two lists by name. The engine's names do not tell upper case from lower, so other letters are another name. */
function each<T extends { name: string }>(
  before: T[],
  after: T[],
  { added, dropped, both }: { added: (one: T) => void; dropped: (one: T) => void; both?: (old: T, next: T) => void },
): void {
  for (const one of before) {
    const next = after.find(({ name }) => name === one.name);
    if (next === undefined) dropped(one);
    else both?.(one, next);
  }
  for (const one of after) if (!before.some(({ name }) => name === one.name)) added(one);
}
