import { type TestDatabase, testDatabase } from '../support/database';
import { Platform } from '../support/platform';

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  default?: unknown;
}
interface Route {
  parameters: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
interface Document {
  paths: Record<string, Record<string, Route>>;
  components: { schemas: Record<string, Schema> };
}

/** Of the platform as it is built: types of requests are read by a plugin of the compiler (`nest-cli.json`). */
describe('GET /openapi.json', () => {
  let database: TestDatabase;
  let platform: Platform;
  let remove: () => Promise<void>;
  let document: Document;
  let routes: [name: string, route: Route][];

  beforeAll(async () => {
    database = await testDatabase();
    const made = await Platform.newDataDir();
    remove = made.remove;
    platform = await Platform.start(made.dataDir, { DATABASE_URL: database.url });
    document = (await (await fetch(new URL('/openapi.json', platform.url))).json()) as Document;
    routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, route]): [string, Route] => [`${method} ${path}`, route]),
    );
  }, 60_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
    await database.drop();
  });

  it('declares each parameter of each path, which generators of clients insist on', () => {
    expect(routes.length).toBeGreaterThan(150);
    for (const [name, { parameters }] of routes) {
      const declared = parameters.filter((one) => one.in === 'path' && one.required).map((one) => one.name);
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      expect([name, ...declared.sort()]).toEqual([name, ...inPath.sort()]);
    }
  });

  it('says what the bodies of requests may have in them', () => {
    const bodies = routes.flatMap(([name, { requestBody }]) =>
      Object.values(requestBody?.content ?? {}).map(({ schema }) => [name, schema] as const),
    );
    expect(bodies.length).toBeGreaterThan(40);
    for (const [name, { $ref }] of bodies) {
      const { properties = {} } = document.components.schemas[$ref?.split('/').at(-1) ?? ''] ?? {};
      expect([name, Object.keys(properties).length > 0]).toEqual([name, true]);
    }
  });

  it('says what each list has in it', () => {
    const bare = (value: unknown, path: string): string[] => {
      if (typeof value !== 'object' || value === null) return [];
      const own = 'type' in value && value.type === 'array' && !('items' in value) ? [path] : [];
      return [...own, ...Object.entries(value).flatMap(([key, inner]) => bare(inner, `${path}/${key}`))];
    };
    expect(bare(document, '')).toEqual([]);
  });

  it('asks for nothing that has a default, and for the rest as the platform does', () => {
    for (const [name, { properties = {}, required }] of Object.entries(document.components.schemas)) {
      const withDefault = Object.keys(properties).filter((property) => properties[property].default !== undefined);
      expect([name, withDefault.filter((property) => required?.includes(property))]).toEqual([name, []]);
      expect(required).not.toEqual([]);
    }
    const { MaterializeDto, CypherQueryDto } = document.components.schemas;
    expect(MaterializeDto).toMatchObject({ properties: { ignore_errors: { type: 'boolean', default: true } } });
    expect(MaterializeDto.required).toBeUndefined();
    expect(CypherQueryDto.required).toEqual(['query']);
    const list = document.paths['/v1/graphs/{graph_id}/backups'].get.parameters;
    expect(list.find(({ name }) => name === 'limit')).toMatchObject({ required: false, schema: { type: 'integer' } });
  });
});
