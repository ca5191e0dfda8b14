import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client, Started } from '../support/client';
import { PEOPLE, PERSONS } from '../support/people';
import type { Platform } from '../support/platform';
import { PlatformWorld } from '../support/platform-world';

interface Letters {
  dead_letters: { id: string; operation_type: string; graph_id: string; reason: string; status: string }[];
}

/** A disk that fails, dead letters, a repaired disk, and an operator who has everything done after all. */
describe('operations that could not be done', () => {
  let world: PlatformWorld;
  let platform: Platform;
  let client: Client;

  beforeAll(async () => {
    world = await PlatformWorld.start();
    ({ platform, client } = world);
  }, 90_000);
  afterAll(async () => {
    await world?.end();
  });

  /** Runs `work` while a directory of the platform is a file, so that nothing can be written there. */
  async function whileBroken<T>(name: string, work: () => Promise<T>): Promise<T> {
    const path = join(platform.dataDir, name);
    await mkdir(path, { recursive: true });
    await rename(path, `${path}.away`);
    await writeFile(path, '');
    try {
      return await work();
    } finally {
      await rm(path);
      await rename(`${path}.away`, path);
    }
  }

  const end = async (started: Started) => (await client.events(started)).filter(({ id }) => id !== null).at(-1);
  const open = () => client.expect<Letters>(200, 'GET', '/v1/admin/dead-letters?status=open');
  const retry = (id: string) => client.expect<Started>(202, 'POST', `/v1/admin/dead-letters/${id}/retry`);
  const graphStatus = async (id: string) => (await client.request('GET', `/v1/graphs/${id}/info`)).status;

  it('create a graph', async () => {
    const body = { metadata: { graph_name: 'late' }, custom_schema: PEOPLE };
    const started = await whileBroken('graphs', async () => {
      const begun = await client.expect<Started>(202, 'POST', '/v1/graphs', body);
      expect(await end(begun)).toMatchObject({
        event: 'operation_error',
        data: { error_details: { dead_letter: true } },
      });
      return begun;
    });
    const { graph_id } = started;
    const { dead_letters } = await open();
    expect(dead_letters).toMatchObject([{ id: started.operation_id, operation_type: 'graph_creation', graph_id }]);
    const again = await retry(started.operation_id);
    expect(await client.result(again)).toMatchObject({ graph_id });
    expect(await graphStatus(graph_id)).toBe(200);
    expect(await client.query(graph_id, 'MATCH (p:Person) RETURN count(p) AS n')).toEqual([{ n: 0 }]);
    expect(await client.expect(200, 'GET', `/v1/operations/${again.operation_id}`)).toMatchObject({
      retry_of: started.operation_id,
    });
    expect((await open()).dead_letters).toEqual([]);
  });

  it('do not create a graph that was deleted meanwhile', async () => {
    const body = { metadata: { graph_name: 'never' }, custom_schema: PEOPLE };
    const started = await whileBroken('graphs', async () => {
      const begun = await client.expect<Started>(202, 'POST', '/v1/graphs', body);
      await end(begun);
      return begun;
    });
    await client.result(await client.expect<Started>(202, 'DELETE', `/v1/graphs/${started.graph_id}`));
    const refused = await client.expect(409, 'POST', `/v1/admin/dead-letters/${started.operation_id}/retry`);
    expect(refused).toMatchObject({ code: 'graph_not_ready' });
    await client.expect(200, 'POST', `/v1/admin/dead-letters/${started.operation_id}/discard`);
  });

  it('stage a file', async () => {
    const graphId = await client.createGraph(PEOPLE);
    const files = `/v1/graphs/${graphId}/files`;
    await whileBroken('work', async () => {
      const staged = await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
      expect(staged.status).toBeGreaterThanOrEqual(400);
    });
    const { dead_letters } = await open();
    expect(dead_letters).toMatchObject([{ operation_type: 'file_stage', graph_id: graphId }]);
    expect(await client.expect(200, 'GET', files)).toMatchObject({ files: [{ status: 'failed' }] });
    const again = await retry(dead_letters[0].id);
    expect(await client.result(again)).toMatchObject({ row_count: 3 });
    expect(await client.expect(200, 'GET', files)).toMatchObject({ files: [{ status: 'staged' }] });
    await client.materialize(graphId);
    expect(await client.query(graphId, 'MATCH (p:Person) RETURN count(p) AS n')).toEqual([{ n: 3 }]);
  });

  it('do not stage a file that was removed or staged meanwhile', async () => {
    const graphId = await client.createGraph(PEOPLE);
    const files = `/v1/graphs/${graphId}/files`;
    await whileBroken('work', async () => {
      await client.stage(graphId, 'Person', 'removed.csv', PERSONS);
      await client.stage(graphId, 'Person', 'staged.csv', PERSONS);
    });
    const listed = await client.expect<{ files: { file_id: string; file_name: string }[] }>(200, 'GET', files);
    const [removed, staged] = listed.files;
    await client.expect(200, 'DELETE', `${files}/${removed.file_id}`);
    await client.expect(200, 'PATCH', `${files}/${staged.file_id}`, { status: 'uploaded' });
    const retried = await client.expect<{ retried: number; results: { code: string }[] }>(
      200,
      'POST',
      '/v1/admin/dead-letters/retry',
      { graph_id: graphId },
    );
    expect(retried.retried).toBe(0);
    expect(retried.results.map(({ code }) => code).sort()).toEqual(['file_already_staged', 'file_not_found']);
  });
});
