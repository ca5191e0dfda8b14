import { toDefinition } from './definition';
import type { GraphSchema } from './graph-schema';
import { type Origin, type Path, type Raw, RawReader } from './raw-reader';

/** Additions in the form of a definition, and paths of what to drop, as the report of changes has them. */
export interface SchemaEdits {
  add?: object | null;
  drop?: string[] | null;
}

/** The definition that the edits make of a schema. Throws `InvalidRequest` with every problem of the edits' shape. */
export function editDefinition(
  current: GraphSchema,
  edits: SchemaEdits,
  path: Path = ['body'],
): { definition: Raw; origins: Map<object, Origin> } {
  return new DefinitionEditor().edit(current, edits, path);
}

type Kind = 'nodes' | 'relationships';

class DefinitionEditor extends RawReader {
  private readonly written = new Map<object, Origin>();

  edit(
    current: GraphSchema,
    { add, drop }: SchemaEdits,
    path: Path,
  ): { definition: Raw; origins: Map<object, Origin> } {
    const definition = toDefinition(current);
    for (const [index, target] of (drop ?? []).entries()) this.drop(definition, target, [...path, 'drop', index]);
    const additions = (add ?? {}) as Raw;
    this.knownKeys(additions, ['version', 'description', 'nodes', 'relationships'], [...path, 'add']);
    for (const key of ['version', 'description']) if (additions[key] != null) definition[key] = additions[key];
    for (const kind of ['nodes', 'relationships'] as const) {
      for (const [type, at] of this.list(additions[kind], [...path, 'add', kind])) this.add(definition, kind, type, at);
    }
    for (const [index, target] of (drop ?? []).entries()) this.noPairLeft(definition, target, [...path, 'drop', index]);
    this.refuseProblems();
    return { definition, origins: this.written };
  }

  /** A node type that is dropped is no end of any relationship. */
  private noPairLeft(definition: Raw, target: string, at: Path): void {
    const [, dropped] = /^nodes\.([^.]+)$/.exec(target) ?? [];
    if (dropped === undefined || (definition.nodes as Raw[]).some(({ name }) => name === dropped)) return;
    for (const type of definition.relationships as Raw[]) {
      for (const { from_node: from, to_node: to } of (type.pairs as Raw[] | undefined) ?? [type]) {
        if (from !== dropped && to !== dropped) continue;
        const pair = `relationships.${String(type.name)}.pairs.${String(from)}->${String(to)}`;
        this.problem(
          at,
          `${String(type.name)} needs ${dropped}: drop "${pair}", or all of that type, too`,
          'still_needed',
        );
      }
    }
  }

  private add(definition: Raw, kind: Kind, addition: Raw, at: Path): void {
    const types = definition[kind] as Raw[];
    const known = types.find(({ name }) => name === addition.name);
    if (known === undefined) {
      this.written.set(addition, { path: at });
      types.push(addition);
      return;
    }
    this.knownKeys(addition, ['name', 'description', 'properties', ...(kind === 'nodes' ? [] : ['pairs'])], at);
    if (addition.description != null) known.description = addition.description;
    for (const [property, place] of this.list(addition.properties, [...at, 'properties'])) {
      this.written.set(property, { path: place });
      (known.properties as Raw[]).push(property);
    }
    for (const [pair, place] of this.list(addition.pairs, [...at, 'pairs'])) {
      this.written.set(pair, { path: place });
      pairsIn(known).push(pair);
    }
  }

  private drop(definition: Raw, target: string, at: Path): void {
    const [kind, name, list, entry] =
      /^(nodes|relationships)\.([^.]+)(?:\.(properties|pairs)\.(.+))?$/.exec(target)?.slice(1) ?? [];
    const types = (definition[kind ?? ''] ?? []) as Raw[];
    const type = types.find((one) => one.name === name);
    const found =
      type !== undefined &&
      (list === undefined
        ? take(types, (one) => one === type)
        : list === 'properties'
          ? take(type.properties as Raw[], (one) => one.name === entry)
          : take(pairsIn(type), (one) => `${String(one.from_node)}->${String(one.to_node)}` === entry));
    if (!found) {
      const forms = 'nodes.Person, nodes.Person.properties.age or relationships.KNOWS.pairs.Person->Robot';
      this.problem(at, `there is no "${target}" in the schema; write it as in ${forms}`, 'unknown_path');
    }
  }
}

/** The pairs of a relationship of a definition, as a list that can be changed. */
function pairsIn(relationship: Raw): Raw[] {
  if (relationship.pairs === undefined) {
    const { from_node, to_node } = relationship;
    relationship.pairs = from_node === undefined ? [] : [{ from_node, to_node }];
    delete relationship.from_node;
    delete relationship.to_node;
  }
  return relationship.pairs as Raw[];
}

function take(list: Raw[], which: (one: Raw) => boolean): boolean {
  const at = list.findIndex(which);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}
