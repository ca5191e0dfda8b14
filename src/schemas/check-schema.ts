import { InvalidRequest } from '../common/problem.filter';
import type { FieldProblem } from '../common/problem';
import { composeSchema } from './compose-schema';
import { type GraphSchema, pairsOf } from './graph-schema';
import type { ValidateSchemaDto } from './dto/schema.dto';
import { readDefinition } from './read-definition';

export interface SchemaCheck {
  schema: GraphSchema | null;
  problems: FieldProblem[];
  warnings: string[];
  /** By the name of an extension: whether the schema can be combined with it, and why not. */
  compatibility: Record<string, { compatible: boolean; conflicts: string[] }>;
}

const PATH = ['body', 'schema_definition'];

/** Everything that can be said of a definition without making a graph of it. */
export function checkSchema(request: ValidateSchemaDto): SchemaCheck {
  const problems: FieldProblem[] = [];
  const compose = (extensions: string[]): GraphSchema =>
    composeSchema({
      custom: readDefinition(request.schema_definition, request.format, PATH),
      customPath: PATH,
      extensions,
      extensionsPath: ['body', 'check_compatibility'],
      name: 'schema',
    });
  const schema = attempt(() => compose([]), problems);
  const compatibility: SchemaCheck['compatibility'] = {};
  for (const name of request.check_compatibility ?? []) {
    const conflicts: FieldProblem[] = [];
    attempt(() => compose([name]), conflicts);
    const known = new Set(problems.map(toText));
    const texts = conflicts.map(toText).filter((text) => !known.has(text));
    compatibility[name] = { compatible: texts.length === 0, conflicts: texts };
  }
  return { schema, problems, warnings: schema === null ? [] : warningsOf(schema), compatibility };
}

/** `nodes.0.name: must be ...` */
function toText({ loc, msg }: FieldProblem): string {
  const path = loc.slice(PATH.length).join('.');
  return path === '' ? msg : `${path}: ${msg}`;
}

export function toCheckDto({ schema, problems, warnings, compatibility }: SchemaCheck): object {
  const total = (types: { properties: unknown[] }[]) =>
    types.reduce((sum, { properties }) => sum + properties.length, 0);
  return {
    valid: schema !== null,
    message: schema === null ? `${problems.length} problems: mend each at its path` : 'The schema can be used',
    errors: schema === null ? problems.map(toText) : null,
    problems,
    warnings: warnings.length === 0 ? null : warnings,
    stats: schema && {
      nodes: schema.nodes.length,
      relationships: schema.relationships.length,
      node_properties: total(schema.nodes),
      relationship_properties: total(schema.relationships),
    },
    compatibility: Object.keys(compatibility).length === 0 ? null : compatibility,
  };
}

function attempt<T>(read: () => T, problems: FieldProblem[]): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    problems.push(...error.fields);
    return null;
  }
}

function warningsOf(schema: GraphSchema): string[] {
  if (schema.nodes.length === 0) return ['There is no node type: the graph will stay empty until its schema has one'];
  const joined = new Set(schema.relationships.flatMap(pairsOf).flatMap(({ from, to }) => [from, to]));
  return schema.nodes
    .filter(({ name }) => !joined.has(name))
    .map(({ name }) => `No relationship leads to or from ${name}`);
}
