import type { EntityManager } from 'typeorm';
import { GraphEngine } from '../../src/engine/graph-engine';
import { Transactor } from '../../src/database/transactor';
import { GenerationsService } from '../../src/graphs/generations.service';
import { Ids } from '../../src/common/ids';
import type { ApiApp, ApiUser } from './api-app';

/** Slow enough to be looked at and ended; on its own it takes minutes. */
export const SLOW = 'UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN sum(a * b) AS s';

/** A graph of a user's organisation with one table `Person` of one row, published: no worker has to run for it. */
export async function queriedGraph(api: ApiApp, user: ApiUser, tier = 'ladybug-standard'): Promise<string> {
  const graphId = api.get(Ids).graph();
  await api.sql(`insert into graph (id, org_id, name, tier, status, schema) values ($1, $2, 'g', $3, 'active', '{}')`, [
    graphId,
    user.orgId,
    tier,
  ]);
  const transactor = api.get(Transactor);
  const generations = api.get(GenerationsService);
  const ctx = {
    operationId: 'op_test',
    attempt: 1,
    transaction: <T>(work: (em: EntityManager) => Promise<T>) => transactor.run(work),
  };
  const build = await generations.begin(ctx, graphId);
  const definitions = ['CREATE NODE TABLE Person(id INT64 PRIMARY KEY, name STRING)'];
  const manifest = await api
    .get(GraphEngine)
    .build({ target: build, definitions, loads: [] }, { signal: new AbortController().signal });
  await generations.publish(ctx, build, manifest, () => Promise.resolve());
  return graphId;
}
