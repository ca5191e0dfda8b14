import type { OpenAPIObject } from '@nestjs/swagger';

type Path = OpenAPIObject['paths'][string];
type Parameter = NonNullable<NonNullable<Path['get']>['parameters']>[number];

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

/** Says in an OpenAPI document what cannot be read off the handlers. */
export function completeDocument(document: OpenAPIObject): OpenAPIObject {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const route of METHODS.map((method) => item[method])) {
      if (route) route.parameters = withPathParameters(path, route.parameters ?? []).map(optionalByDefault);
    }
  }
  for (const schema of Object.values(document.components?.schemas ?? {})) {
    if (!('properties' in schema) || schema.required === undefined) continue;
    const { properties = {} } = schema;
    const required = schema.required.filter((name) => !hasDefault(properties[name]));
    schema.required = required.length > 0 ? required : undefined;
  }
  return document;
}

/**
 * A guard looks graphs and organisations up, so that few handlers take their ids for themselves. OpenAPI wants each
 * parameter of a path declared, and generators of clients refuse a document where one is not.
 */
function withPathParameters(path: string, parameters: Parameter[]): Parameter[] {
  const given = parameters.map((parameter) => ('name' in parameter ? parameter.name : undefined));
  const missing = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).filter((name) => !given.includes(name));
  const declared = missing.map((name): Parameter => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  return [...declared, ...parameters];
}

/** What has a default may be left out; the compiler's plugin looks at the type alone, which has it always. */
function optionalByDefault(parameter: Parameter): Parameter {
  return 'name' in parameter && hasDefault(parameter.schema) ? { ...parameter, required: false } : parameter;
}

function hasDefault(schema: object | undefined): boolean {
  return schema !== undefined && 'default' in schema;
}
