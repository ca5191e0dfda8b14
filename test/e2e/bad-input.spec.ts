import type { Client, Started } from '../support/client';
import { KNOWS, PEOPLE, PERSONS } from '../support/people';
import type { Platform } from '../support/platform';
import { PlatformWorld } from '../support/platform-world';

interface Problem {
  status: number;
  code: string;
  detail: unknown;
  request_id: string;
  [member: string]: unknown;
}

/** What people get who ask for the wrong thing: one clear problem, and nothing else touched. */
describe('bad input', () => {
  let world: PlatformWorld;
  let platform: Platform;
  let client: Client;
  let graphId: string;

  beforeAll(async () => {
    world = await PlatformWorld.start({
      ENGINE_HOST_MEMORY_MB: '400',
      TIER_LIMITS: '{"*": {"max_file_mb": 1}}',
    });
    ({ platform, client } = world);
    graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.stage(graphId, 'KNOWS', 'knows.csv', KNOWS);
    await client.materialize(graphId);
  }, 90_000);
  afterAll(async () => {
    await world?.end();
  });

  async function problem(status: number, method: string, path: string, body?: unknown): Promise<Problem> {
    const response = await client.request(method, path, body);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const found = (await response.json()) as Problem;
    expect({ path, status: response.status, body: found.status }).toEqual({ path, status, body: status });
    expect(found.request_id).toBe(response.headers.get('x-request-id'));
    return found;
  }
  const ask = (query: string, rest: object = {}): [string, string, object] => [
    'POST',
    `/v1/graphs/${graphId}/query`,
    { query, ...rest },
  ];
  const alive = async (): Promise<void> => {
    expect(await client.query(graphId, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 3 }]);
  };

  it('names every invalid field', async () => {
    const found = await problem(422, 'POST', '/v1/graphs', {
      metadata: { graph_name: '', tags: ['a\u0000b'] },
      instance_tier: 'gold',
      surprise: 1,
    });
    const fields = found.detail as { loc: string[]; msg: string; type: string }[];
    expect(fields.map((field) => field.loc.join('.')).sort()).toEqual(
      ['body.instance_tier', 'body.metadata.graph_name', 'body.metadata.tags', 'body.surprise'].sort(),
    );
    expect(fields.every((field) => field.msg.length > 0 && field.type.length > 0)).toBe(true);
  });

  it.each([
    ['GET', '/v1/graphs/kg00000000000000000000/info', 'graph_not_found'],
    ['GET', '/v1/graphs/nonsense/info', 'graph_not_found'],
    ['GET', '/v1/operations/op_01ARZ3NDEKTSV4RRFFQ69G5FAV/status', 'operation_not_found'],
    ['GET', '/v1/operations/op_01ARZ3NDEKTSV4RRFFQ69G5FAV/stream', 'operation_not_found'],
    ['GET', '/v1/nowhere', 'route_not_found'],
  ])('%s %s is a 404 problem', async (method, path, code) => {
    expect((await problem(404, method, path)).code).toBe(code);
  });

  it('refuses what is nested too deep, and nothing ends of it', async () => {
    const deep = (depth: number): string => '['.repeat(depth) + '1' + ']'.repeat(depth);
    const statements = [
      `RETURN ${deep(1_000)}`,
      `RETURN ${'('.repeat(5_000)}1${')'.repeat(5_000)}`,
      `RETURN [1]${'[0]'.repeat(15_000)}`,
    ];
    for (const query of statements) expect((await problem(400, ...ask(query))).code).toBe('statement_too_deep');
    const { code, detail } = await problem(
      400,
      ...ask('RETURN $x', { parameters: { x: JSON.parse(deep(100)) as unknown } }),
    );
    expect([code, detail]).toEqual(['query_invalid', expect.stringContaining('nested deeper')]);
    const body = `{"query": "RETURN $x", "parameters": {"x": ${deep(50_000)}}}`;
    const response = await fetch(new URL(`/v1/graphs/${graphId}/query`, platform.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': client.apiKey },
      body,
    });
    expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ type: 'too_deep' }] }]);
    await alive();
    expect(platform.output).not.toContain('(crash)');
  });

  it('does not know a file of another graph', async () => {
    const found = await problem(404, 'GET', `/v1/graphs/${graphId}/files/00000000-0000-4000-8000-000000000000`);
    expect(found.code).toBe('file_not_found');
  });

  it('answers malformed JSON with 400 and too large a body with 413', async () => {
    const send = (body: string): Promise<Response> =>
      fetch(new URL('/v1/graphs', platform.url), {
        method: 'POST',
        headers: { 'x-api-key': client.apiKey, 'content-type': 'application/json' },
        body,
      });
    expect((await send('{"metadata":')).status).toBe(400);
    expect((await send(`{"x":"${'x'.repeat(5_000_000)}"}`)).status).toBe(413);
  });

  it('takes a request without a body that names a type all the same', async () => {
    const remove = { method: 'DELETE', headers: { 'x-api-key': client.apiKey, 'content-type': 'application/json' } };
    const missing = await fetch(new URL('/v1/operations/op_01ARZ3NDEKTSV4RRFFQ69G5FAV', platform.url), remove);
    expect(missing.status).toBe(404);
    expect((await problem(422, 'POST', '/v1/graphs')).code).toBe('invalid_request');
  });

  it('says where a malformed CSV is wrong, and keeps the rest as it was', async () => {
    const response = await client.stage(graphId, 'Person', 'bad.csv', 'id,name,born\n4,Alan,1912-06-23\n5,"Kurt\n');
    expect(response.status).toBe(400);
    const found = (await response.json()) as Problem;
    expect(found.code).toBe('file_malformed');
    expect(JSON.stringify(found)).toMatch(/line 3/);
    const { files } = await client.expect<{ files: { file_name: string; upload_status: string }[] }>(
      200,
      'GET',
      `/v1/graphs/${graphId}/files`,
    );
    expect(files.find((file) => file.file_name === 'bad.csv')?.upload_status).toBe('failed');
    await alive();
  });

  it('refuses what is no table, no known kind of file, or too large', async () => {
    const files = `/v1/graphs/${graphId}/files`;
    const request = { file_name: 'a.csv', table_name: 'Person', content_type: 'text/csv' };
    expect((await problem(404, 'POST', files, { ...request, table_name: 'Nobody' })).code).toBe('table_not_found');
    expect((await problem(415, 'POST', files, { ...request, content_type: 'image/png' })).code).toBe(
      'unsupported_media_type',
    );
    const { upload_url: url } = await client.expect<{ upload_url: string }>(200, 'POST', files, request);
    expect((await fetch(url, { method: 'PUT', body: Buffer.alloc(1_100_000) })).status).toBe(413);
    expect((await fetch(url.replace(/signature=./, 'signature=0'), { method: 'PUT', body: 'id\n' })).status).toBe(403);
  });

  it('names the operation that blocks a second writer', async () => {
    const [first, second] = await Promise.all(
      [0, 1].map(() => client.request('POST', `/v1/graphs/${graphId}/materialize`, { force: true })),
    );
    const [ok, refused] = first.status === 200 ? [first, second] : [second, first];
    const started = (await ok.json()) as Started;
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: 'operation_in_progress', operation_id: started.operation_id });
    await client.result(started);
  });

  it.each([
    "LOAD FROM '/etc/passwd' (file_format='csv', header=false, delim=':') RETURN *",
    "MATCH (p:Person) WITH p lOaD /* x */ FROM '/etc/passwd' RETURN *",
    "COPY (MATCH (p:Person) RETURN p.*) TO '/tmp/out.csv'",
    'CALL threads=1',
    "ATTACH '/tmp/other.lbug' AS other",
    'INSTALL json',
    "LOAD EXTENSION '/tmp/evil.so'",
    "IMPORT DATABASE '/tmp/x'",
    'CHECKPOINT',
  ])('refuses %s', async (statement) => {
    expect((await problem(403, ...ask(statement))).code).toBe('statement_refused');
  });

  it('refuses writes, several statements, and what does not parse', async () => {
    expect((await problem(403, ...ask("CREATE (:Person {id: 9, name: 'Eve'})"))).code).toBe('write_refused');
    expect((await problem(400, ...ask('RETURN 1; RETURN 2'))).code).toMatch(/query_invalid|statement_refused/);
    const found = await problem(400, ...ask('MATCH (p:Person RETURN p'));
    expect(found.code).toBe('query_invalid');
    expect(JSON.stringify(found)).not.toMatch(/\/(tmp|root|work|home)\//);
    await alive();
  });

  it('lets statements pass that merely contain the words', async () => {
    const rows = await client.query(
      graphId,
      "MATCH (p:Person) WHERE p.name <> 'LOAD FROM COPY' RETURN p.id AS `copy` ORDER BY p.id LIMIT 1",
    );
    expect(rows).toEqual([{ copy: 1 }]);
  });

  it('obeys the timeout', async () => {
    const forever =
      'MATCH (a:Person), (b:Person) UNWIND range(1, 200000) AS x UNWIND range(1, 20000) AS y WITH a, b, x, y WHERE x * y = -1 RETURN count(*)';
    expect((await problem(408, ...ask(forever, { timeout: 1 }))).code).toBe('query_timeout');
    await alive();
  }, 30_000);

  it('ends a query that eats memory, and only that', async () => {
    const other = await client.createGraph(PEOPLE, 'other');
    const greedy = client.request(...ask('UNWIND range(1, 300000000) AS x RETURN collect(x)', { timeout: 60 }));
    // The neighbour keeps answering while the greedy query grows.
    for (let i = 0; i < 5; i += 1) await client.query(other, 'MATCH (p:Person) RETURN count(*) AS n');
    const response = await greedy;
    expect([408, 503]).toContain(response.status);
    await alive();
    expect(await client.query(other, 'MATCH (p:Person) RETURN count(*) AS n')).toEqual([{ n: 0 }]);
  }, 90_000);

  it('reports a failure in the middle of a stream in the stream, and does not close it as if it were whole', async () => {
    // Row 200,000 divides by zero, long after the first chunk was sent.
    const query = 'UNWIND range(1, 200001) AS x RETURN 1 / (200000 - x) AS y';
    const response = await client.request('POST', `/v1/graphs/${graphId}/query?mode=stream`, { query });
    let text = '';
    const read = (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        text += Buffer.from(chunk).toString();
    })();
    if (response.status === 200) {
      await expect(read).rejects.toThrow();
      const last = JSON.parse(text.trim().split('\n').at(-1)!) as { error?: Problem };
      expect(last.error).toMatchObject({ code: expect.any(String) as string });
    } else {
      // The engine found it before the first row: then it is an ordinary problem.
      await read;
      expect((JSON.parse(text) as Problem).code).toBe('query_invalid');
    }
  });
});
