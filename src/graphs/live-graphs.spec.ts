import { firstValueFrom } from 'rxjs';
import type { EntityManager } from 'typeorm';
import { ApiApp } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { Ids } from '../common/ids';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import { GraphEngine } from '../engine/graph-engine';
import { GenerationsService, GRAPH_CHANGED } from './generations.service';
import { LiveGraphs } from './live-graphs';

describe('the generation that queries read', () => {
  let database: TestDatabase;
  let api: ApiApp;
  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  it('is the new one for whoever was told that it is there, however late the news of it comes', async () => {
    const user = await api.user();
    const heard = firstValueFrom(await api.get(Notifications).listen(GRAPH_CHANGED));
    const graphId = await queriedGraph(api, user);
    const [generations, live] = [api.get(GenerationsService), api.get(LiveGraphs)];
    const operationId = api.get(Ids).operation();
    await api.sql(
      `insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts)
       values ($1, 'probe', 'running', $2, $3, $4, '{}', 1)`,
      [operationId, user.orgId, user.id, graphId],
    );
    const transactor = api.get(Transactor);
    const transaction = <T>(work: (em: EntityManager) => Promise<T>) => transactor.run(work);
    const ctx = { operationId, attempt: 1, transaction };
    // What publishing it sent has come; from here on nothing does.
    await heard;
    const { generation: before } = await live.resolve(graphId);
    const late = jest.spyOn(api.get(Notifications), 'notify').mockResolvedValue();
    const build = await generations.begin(ctx, graphId);
    const definitions = ['CREATE NODE TABLE Person(id INT64 PRIMARY KEY, name STRING)'];
    const { signal } = new AbortController();
    const manifest = await api.get(GraphEngine).build({ target: build, definitions, loads: [] }, { signal });
    await generations.publish(ctx, build, manifest, () => Promise.resolve());
    await api.sql(`update operation set status = 'completed', ended_at = now() where id = $1`, [operationId]);
    late.mockRestore();
    expect((await live.resolve(graphId)).generation).toBe(before);
    const told = await api.call(`GET /v1/operations/${operationId}/status`, user);
    expect(told.json()).toMatchObject({ status: 'completed' });
    expect((await live.resolve(graphId)).generation).toBe(build.generation);
  }, 60_000);
});
