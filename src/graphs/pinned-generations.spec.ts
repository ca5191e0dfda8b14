import { existsSync } from 'node:fs';
import type { EntityManager } from 'typeorm';
import { ApiApp } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { GraphEngine } from '../engine/graph-engine';
import { GenerationCollector } from './generation-collector';
import { GenerationsService } from './generations.service';

describe('a generation that an operation reads', () => {
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

  it('is kept, whatever is published meanwhile, until that operation has ended', async () => {
    const user = await api.user();
    const graphId = await queriedGraph(api, user);
    const generations = api.get(GenerationsService);
    const operationId = api.get(Ids).operation();
    await api.sql(
      `insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts)
       values ($1, 'probe', 'running', $2, $3, $4, '{}', 1)`,
      [operationId, user.orgId, user.id, graphId],
    );
    const tx = api.get(Transactor);
    const ctx = (id: string) => ({
      operationId: id,
      attempt: 1,
      transaction: <T>(work: (em: EntityManager) => Promise<T>) => tx.run(work),
    });
    const pinned = (await generations.pinLive(ctx(operationId), graphId))!;
    const { directory } = generations.ref(graphId, pinned.generation.number);
    // Two more: the first of them is not even the one before the live one.
    for (let at = 0; at < 2; at++) {
      const build = await generations.begin(ctx('op_test'), graphId);
      const definitions = ['CREATE NODE TABLE Person(id INT64 PRIMARY KEY, name STRING)'];
      const manifest = await api
        .get(GraphEngine)
        .build({ target: build, definitions, loads: [] }, { signal: new AbortController().signal });
      await generations.publish(ctx('op_test'), build, manifest, () => Promise.resolve());
    }
    await api.get(GenerationCollector).collect(0, 0);
    expect(existsSync(directory)).toBe(true);
    await api.sql(`update operation set status = 'completed', ended_at = now() where id = $1`, [operationId]);
    await api.get(GenerationCollector).collect(0, 0);
    expect(existsSync(directory)).toBe(false);
  }, 60_000);
});
