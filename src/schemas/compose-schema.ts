import type { FieldProblem } from '../common/problem';
import { InvalidRequest } from '../common/problem.filter';
import type { GraphSchema } from './graph-schema';
import { parseSchema } from './parse-schema';
import type { Origin, Path, Raw } from './raw-reader';
import { schemaExtensions } from './schema-extensions';

export interface SchemaParts {
  /** In the form of the wire contract; its `extends` names one more extension. */
  custom?: object | null;
  customPath?: Path;
  extensions?: string[];
  extensionsPath?: Path;
  /** Of a schema that is made from extensions alone. */
  name: string;
  /** Where parts of `custom` were written, when it was put together from several. */
  origins?: ReadonlyMap<object, Origin>;
}

/**
 * One schema made of ready-made ones and one's own, whose relationships may join the types of all. Throws
 * `InvalidRequest` with every problem; where two parts define the same name, it says which two.
 */
export function composeSchema({
  custom,
  customPath = ['body', 'custom_schema'],
  extensions = [],
  extensionsPath = ['body', 'metadata', 'schema_extensions'],
  name,
  origins: known = new Map(),
}: SchemaParts): GraphSchema {
  const { extends: base, ...own } = (custom ?? { name }) as Raw;
  const problems: FieldProblem[] = [];
  const wanted: { extension: unknown; at: Path }[] = extensions.map((extension, index) => ({
    extension,
    at: [...extensionsPath, index],
  }));
  if (base !== undefined && base !== null) wanted.push({ extension: base, at: [...customPath, 'extends'] });
  const origins = new Map(known);
  const parts: { name: string; nodes: Raw[]; relationships: Raw[] }[] = [];
  for (const { extension, at } of wanted) {
    const found = typeof extension === 'string' ? schemaExtensions().get(extension) : undefined;
    if (found === undefined) {
      const msg = `there is no such extension; there are ${[...schemaExtensions().keys()].join(', ')}`;
      problems.push({ loc: at, msg, type: 'unknown_extension' });
    } else if (!parts.some((part) => part.name === found.name)) {
      parts.push(found);
      for (const type of [...found.nodes, ...found.relationships])
        origins.set(type, { path: at, label: `extension "${found.name}"` });
    }
  }
  const joined = {
    ...own,
    nodes: joinLists(
      parts.map(({ nodes }) => nodes),
      own.nodes,
      [...customPath, 'nodes'],
      origins,
    ),
    relationships: joinLists(
      parts.map(({ relationships }) => relationships),
      own.relationships,
      [...customPath, 'relationships'],
      origins,
    ),
  };
  try {
    const schema = parseSchema(joined, customPath, origins);
    if (problems.length === 0)
      return { ...schema, ...(parts.length > 0 && { extensions: parts.map((part) => part.name) }) };
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    problems.push(...error.fields);
  }
  throw new InvalidRequest(problems);
}

/** What is no list stays as it is, to be refused. */
function joinLists(lists: Raw[][], own: unknown, path: Path, origins: Map<object, Origin>): unknown {
  if (own !== undefined && own !== null && !Array.isArray(own)) return own;
  const entries = (own ?? []) as unknown[];
  // Their places are those that the sender wrote, not those behind the extensions' types.
  for (const [index, entry] of entries.entries())
    if (typeof entry === 'object' && entry !== null && !origins.has(entry))
      origins.set(entry, { path: [...path, index] });
  return [...lists.flat(), ...entries];
}
