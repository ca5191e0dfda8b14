import type { FieldProblem } from '../common/problem';
import { InvalidRequest } from '../common/problem.filter';
import { composeSchema } from '../schemas/compose-schema';
import { toDefinition } from '../schemas/definition';
import type { GraphSchema } from '../schemas/graph-schema';

const PATH = ['body', 'schema_extensions'];

/**
 * The schema of a subgraph: all types of its parent, and those of further extensions. Throws `InvalidRequest` for an unknown
 * extension, and for one that has a type of the parent's name.
 */
export function extendedSchema(parent: GraphSchema, extensions: string[]): GraphSchema {
  const known = parent.extensions ?? [];
  const further = [...new Set(extensions)].filter((name) => !known.includes(name));
  if (further.length === 0) return parent;
  const custom = toDefinition(parent);
  try {
    const parts = { custom, customPath: PATH, extensions: further, extensionsPath: PATH, name: parent.name };
    const extended = composeSchema(parts);
    return { ...extended, extensions: [...known, ...(extended.extensions ?? [])] };
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    // Of what the parent has, the request wrote nothing.
    throw new InvalidRequest(error.fields.map((field) => (isOfExtension(field) ? field : { ...field, loc: PATH })));
  }
}

function isOfExtension({ loc }: FieldProblem): boolean {
  return typeof loc[PATH.length] === 'number';
}
