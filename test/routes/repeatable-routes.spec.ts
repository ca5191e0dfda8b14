import { RESPONSE_PASSTHROUGH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum';
import { ROUTE_ACCESS, type RouteAccess } from '../../src/auth/requires';
import { NOT_REPEATABLE } from '../../src/idempotency/not-repeatable';
import { OperationTypes } from '../../src/operations/operation-types';
import { type StartedOperation, STARTS_OPERATION } from '../../src/operations/starts-operation';
import { ApiApp } from '../support/api-app';
import { type TestDatabase, testDatabase } from '../support/database';
import { type Route, routesOf } from '../support/routes';

/** POST routes that need no key, with why; a new one that is not meant to be here must not be. */
const PUBLIC = [
  // Signed by the payment provider; each event is processed once.
  'POST /admin/v1/webhooks/stripe',
  'POST /v1/auth/login',
  'POST /v1/auth/logout',
  'POST /v1/auth/password/check',
  'POST /v1/auth/refresh',
  // Makes an account, but before that there is nobody whose key it could be; an email registers once.
  'POST /v1/auth/register',
];
const NOT_REPEATED = [
  'POST /v1/graphs/:graph_id/query',
  'POST /v1/graphs/:graph_id/schema/validate',
  'POST /v1/graphs/:graph_id/tables/query',
  'POST /v1/graphs/schema/validate',
  'POST /v1/operations/cancel',
];

/** Answer with the id of an operation that was there before. */
const SHOW_OPERATIONS = ['delete /v1/operations/{operation_id}'];

interface Schema {
  $ref?: string;
  oneOf?: Schema[];
  properties?: Record<string, unknown>;
}
interface Document {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema> };
}
interface Described {
  parameters?: { name: string }[];
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

describe('the routes', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let routes: Route[];
  let document: Document;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
    routes = routesOf(api.app);
    document = (await api.app.inject({ url: '/openapi.json' })).json<Document>();
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const metadata = <T>(key: unknown, { controller, handler }: Route): T | undefined =>
    (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller)) as T | undefined;
  const described = ({ name, method }: Route): Described | undefined =>
    document.paths[name.split(' ')[1].replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
  const isPublic = (route: Route): boolean => metadata<RouteAccess>(ROUTE_ACCESS, route)?.target === 'public';

  it('heed Idempotency-Key in every POST, PATCH and DELETE but those that say why not', () => {
    const changing = routes.filter(({ method }) => ['POST', 'PATCH', 'DELETE'].includes(method));
    const posts = changing.filter(({ method }) => method === 'POST');
    const names = (some: Route[]): string[] => some.map(({ name }) => name).sort();
    expect(names(posts.filter(isPublic))).toEqual(PUBLIC);
    expect(names(changing.filter((route) => metadata<object>(NOT_REPEATABLE, route)))).toEqual(NOT_REPEATED);
    const heeding = changing.filter(({ name }) => !PUBLIC.includes(name) && !NOT_REPEATED.includes(name));
    expect(heeding.length).toBeGreaterThanOrEqual(50);
    for (const route of heeding) {
      expect([route.name, described(route)?.parameters?.map(({ name }) => name)]).toEqual([
        route.name,
        expect.arrayContaining(['Idempotency-Key']),
      ]);
    }
    for (const route of changing.filter((one) => !heeding.includes(one))) {
      expect(described(route)?.parameters ?? []).not.toContainEqual(
        expect.objectContaining({ name: 'Idempotency-Key' }),
      );
    }
  });

  it('leave the sending of answers to Nest wherever an answer may have to be given again', () => {
    const sendThemselves = routes.filter(({ controller, handlerName, method }) => {
      const args = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handlerName) as object | undefined;
      const takesReply = Object.keys(args ?? {}).some((key) => key.startsWith(`${RouteParamtypes.RESPONSE}:`));
      const passthrough = Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, controller, handlerName) as unknown;
      return ['POST', 'PATCH', 'DELETE'].includes(method) && takesReply && passthrough !== true;
    });
    expect(sendThemselves.map(({ name }) => name)).toEqual([]);
  });

  it('that start operations say so: one for each type, and each that answers with an operation', () => {
    const starting = routes.filter((route) => metadata(STARTS_OPERATION, route));
    const types = starting
      .map((route) => metadata<StartedOperation>(STARTS_OPERATION, route)!.contracts)
      .flatMap((contracts) => (contracts === 'retry' ? [] : contracts.map(({ name }) => name)));
    const known = api
      .get(OperationTypes)
      .all()
      .map(({ name }) => name);
    expect(known.length).toBeGreaterThanOrEqual(4);
    expect([...new Set(types)].sort()).toEqual(known.sort());
    for (const route of starting) {
      expect([route.name, described(route)?.parameters?.map(({ name }) => name)]).toEqual([
        route.name,
        expect.arrayContaining(['Prefer']),
      ]);
    }
    const answering = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method, operation]) => method !== 'get' && answersWithOperation(operation))
        .map(([method]) => `${method} ${path}`),
    );
    const saying = starting.map(({ name }) => {
      const [method, path] = name.split(' ');
      return `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`;
    });
    expect(answering.sort()).toEqual([...saying, ...SHOW_OPERATIONS].sort());
  });

  function answersWithOperation({ responses }: Described): boolean {
    return Object.entries(responses)
      .filter(([status]) => status.startsWith('2'))
      .flatMap(([, { content }]) => Object.values(content ?? {}))
      .some(({ schema }) => 'operation_id' in propertiesOf(schema));
  }

  function propertiesOf({ $ref, oneOf, properties }: Schema): Record<string, unknown> {
    if (oneOf !== undefined) return Object.assign({}, ...oneOf.map(propertiesOf)) as Record<string, unknown>;
    if ($ref !== undefined) return propertiesOf(document.components.schemas[$ref.split('/').at(-1)!]);
    return properties ?? {};
  }
});
