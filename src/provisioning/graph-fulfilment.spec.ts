import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';
import { PEOPLE } from '../../test/support/people';
import { SubscriptionsService } from '../billing/subscriptions.service';
import { Transactor } from '../database/transactor';
import type { OperationContext } from '../jobs/operation-context';
import { GraphDeletion } from '../graphs/graph-deletion';
import { GraphCreationQueueSensor } from '../graphs/graph-creation-queue.sensor';
import { ChangeGraphTierProcessor } from './change-graph-tier.processor';
import { EndedSubscriptionsSensor } from './ended-subscriptions.sensor';
import { GraphFulfilment } from './graph-fulfilment';
import { StalledProvisioningSensor } from './stalled-provisioning.sensor';

/** No worker runs here: what is begun stays pending. Its work is done in test/chaos, killed at each step. */
describe('from a paid subscription to its graph', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let owner: ApiUser;
  let id: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { TIER_LIMITS: JSON.stringify({ 'ladybug-xlarge': { slots: 1 } }) });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });
  beforeEach(async () => {
    owner = await api.user();
    id = await subscription('ladybug-standard');
  });

  /** Claimed, as by the transaction that marks it paid. */
  const subscription = async (plan: string, rest: Record<string, unknown> = {}): Promise<string> => {
    const row: Record<string, unknown> = {
      id: randomUUID(),
      org_id: owner.orgId,
      resource_type: 'graph',
      plan_name: plan,
      status: 'provisioning',
      base_price_cents: 100,
      currency: 'usd',
      billing_interval: 'monthly',
      provider: 'manual',
      metadata: JSON.stringify({ graph_name: 'Ordered', custom_schema: PEOPLE }),
      created_by: owner.id,
      claimed_at: new Date(),
      created_at: new Date(),
      updated_at: new Date(),
      ...rest,
    };
    const columns = Object.keys(row);
    await api.sql(
      `insert into subscription (${columns.join(', ')}) values (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
      Object.values(row),
    );
    return row.id as string;
  };
  const begin = (of = id): Promise<string> =>
    api.get(Transactor).run(async (em) => {
      const { operationId } = await api
        .get(GraphFulfilment)
        .begin(em, await api.get(SubscriptionsService).get(of, { em }), null);
      await em.query('update subscription set provisioning_operation_id = $2 where id = $1', [of, operationId]);
      return operationId;
    });
  const state = async (of = id) =>
    (await api.sql<Record<string, unknown>>('select * from subscription where id = $1', [of]))[0];
  const graphs = () =>
    api.sql<{ id: string; status: string; tier: string }>(
      'select id, status, tier from graph where org_id = $1 order by created_at',
      [owner.orgId],
    );
  const fail = (operationId: string) => api.call(`DELETE /v1/operations/${operationId}`, owner);
  const again = (by = owner, org = owner.orgId) =>
    api.call(`POST /v1/billing/subscriptions/${org}/subscription/${id}/provision`, by);
  const audited = async (target: string) =>
    (await api.sql<{ action: string }>('select action from audit_event where target = $1 order by id', [target])).map(
      ({ action }) => action,
    );

  it('registers the graph with the operation that makes it, or neither', async () => {
    const operationId = await begin();
    const [graph, ...others] = await graphs();
    expect(others).toEqual([]);
    expect(graph).toMatchObject({ status: 'provisioning', tier: 'ladybug-standard' });
    const operation = await api.call(`GET /v1/operations/${operationId}`, owner);
    expect(operation.json()).toMatchObject({ operation_type: 'graph_provisioning', graph_id: graph.id });
    const listed = await api.call('GET /v1/graphs', owner);
    expect(listed.json()).toMatchObject({ graphs: [{ graphId: graph.id, graphName: 'Ordered', role: 'admin' }] });
    const rolledBack = api.get(Transactor).run(async (em) => {
      await api.get(GraphFulfilment).begin(em, await api.get(SubscriptionsService).get(id, { em }), null);
      throw new Error('not paid after all');
    });
    await expect(rolledBack).rejects.toThrow('not paid after all');
    expect(await graphs()).toHaveLength(1);
  });

  it('is no longer paid for when the graph is deleted', async () => {
    const graphId = await queriedGraph(api, owner);
    const paid = await subscription('ladybug-standard', { status: 'active', resource_id: graphId });
    const ended = await subscription('ladybug-standard', { status: 'failed', resource_id: graphId });
    await api.get(GraphDeletion).cleanUp(graphId);
    expect(await state(paid)).toMatchObject({ status: 'canceled', ends_at: expect.any(Date) as Date });
    expect(await audited(paid)).toEqual(['subscription.canceled']);
    expect(await state(ended)).toMatchObject({ status: 'failed' });
    await api.get(GraphDeletion).cleanUp(graphId);
    expect(await audited(paid)).toHaveLength(1);
  });

  it('waits in line where the tier is full', async () => {
    const [first, second] = [await subscription('ladybug-xlarge'), await subscription('ladybug-xlarge')];
    const operationId = await begin(first);
    await begin(second);
    expect((await graphs()).map(({ status }) => status)).toEqual(['provisioning', 'queued']);
    await fail(operationId);
    await api.get(GraphCreationQueueSensor).look();
    expect((await graphs()).map(({ status }) => status)).toEqual(['failed', 'provisioning']);
  });

  it('leaves the subscription to be tried again, which one of many does, with the same graph', async () => {
    expect((await again()).json()).toMatchObject({ status: 409, code: 'not_stalled' });
    const operationId = await begin();
    expect((await again()).json()).toMatchObject({ code: 'not_stalled', operation_id: operationId });
    await fail(operationId);
    expect(await state()).toMatchObject({ status: 'provisioning', last_provisioning_error: { code: 'cancelled' } });
    const [{ id: graphId }] = await graphs();
    expect(await graphs()).toMatchObject([{ status: 'failed' }]);

    const answers = await Promise.all([again(), again(), again()]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([202, 409, 409]);
    const begun = answers.find(({ statusCode }) => statusCode === 202)!.json<{ operation_id: string }>();
    expect(await state()).toMatchObject({ provisioning_operation_id: begun.operation_id });
    expect(await graphs()).toMatchObject([{ id: graphId, status: 'provisioning' }]);
    expect(await audited(id)).toEqual(
      expect.arrayContaining([
        'subscription.provisioning_failed',
        'subscription.provisioning_resumed',
        'subscription.provisioning_retried',
      ]),
    );
  });

  it('is given up when its time is over, and its graph removed', async () => {
    const operationId = await begin();
    await fail(operationId);
    const sensor = api.get(StalledProvisioningSensor);
    await sensor.look();
    expect(await state()).toMatchObject({ status: 'provisioning' });
    await api.sql(`update subscription set claimed_at = now() - interval '4 days' where id = $1`, [id]);
    await Promise.all([sensor.look(), sensor.look()]);
    expect(await state()).toMatchObject({
      status: 'failed',
      ends_at: expect.any(Date) as Date,
      refund_due_at: expect.any(Date) as Date,
    });
    expect(await graphs()).toMatchObject([{ status: 'deleting' }]);
    expect(await audited(id)).toContain('subscription.failed');
    expect((await again()).json()).toMatchObject({ code: 'not_stalled' });
    const retry = await api.call(`POST /v1/operations/${operationId}/retry`, owner);
    expect(retry.json()).toMatchObject({ status: 409 });
    expect(await state()).toMatchObject({ status: 'failed' });
  });

  it('is removed where its order was cancelled while it was made', async () => {
    const operationId = await begin();
    const path = `/v1/billing/subscriptions/${owner.orgId}/subscription/${id}/cancel`;
    expect((await api.call(`POST ${path}`, owner)).statusCode).toBe(200);
    await api.get(StalledProvisioningSensor).look();
    expect(await graphs()).toMatchObject([{ status: 'provisioning' }]);
    await fail(operationId);
    const sensor = api.get(StalledProvisioningSensor);
    await Promise.all([sensor.look(), sensor.look()]);
    expect(await graphs()).toMatchObject([{ status: 'deleting' }]);
    expect(await state()).toMatchObject({ status: 'canceled', refund_due_at: expect.any(Date) as Date });
  });

  it('is not for strangers to try again', async () => {
    await fail(await begin());
    const stranger = await api.user();
    expect((await again(stranger)).statusCode).toBe(404);
    expect((await again(stranger, stranger.orgId)).statusCode).toBe(404);
    expect(await graphs()).toMatchObject([{ status: 'failed' }]);
  });

  it('moves its graph with its plan and price, once, or leaves all of them as they were', async () => {
    const graph = await queriedGraph(api, owner);
    id = await subscription('ladybug-standard', { resource_id: graph, status: 'active' });
    const change = () => api.call(`PATCH /v1/graphs/${graph}/subscriptions`, owner, { new_plan_name: 'ladybug-large' });
    const { operation_id: failed } = (await change()).json<{ operation_id: string }>();
    expect(await state()).toMatchObject({ status: 'upgrading', plan_name: 'ladybug-standard' });
    await fail(failed);
    expect(await state()).toMatchObject({ status: 'active', plan_name: 'ladybug-standard', base_price_cents: 100 });
    expect((await api.call(`POST /v1/operations/${failed}/retry`, owner)).json()).toMatchObject({ status: 409 });

    const answers = await Promise.all([change(), change(), change()]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409, 409]);
    const { operation_id: operationId } = answers
      .find(({ statusCode }) => statusCode === 200)!
      .json<{ operation_id: string }>();
    const payload = { from: 'ladybug-standard', to: 'ladybug-large', subscriptionId: id } as const;
    const ctx = {
      operationId,
      graphId: graph,
      orgId: owner.orgId,
      userId: owner.id,
      progress: () => undefined,
      keepResult: () => Promise.resolve(),
      transaction: <T>(work: (em: EntityManager) => Promise<T>) => api.get(Transactor).run(work),
    } as unknown as OperationContext;
    await api.sql(`update subscription set status = 'canceled' where id = $1`, [id]);
    const processor = api.get(ChangeGraphTierProcessor);
    await expect(processor.run(payload, ctx)).rejects.toMatchObject({ code: 'subscription_moved_on' });
    expect(await graphs()).toMatchObject([{ tier: 'ladybug-standard' }]);
    await api.sql(`update subscription set status = 'upgrading' where id = $1`, [id]);
    await processor.run(payload, ctx);
    expect(await state()).toMatchObject({ status: 'active', plan_name: 'ladybug-large', base_price_cents: 19_900 });
    expect(await graphs()).toMatchObject([{ id: graph, tier: 'ladybug-large' }]);
  });

  it('ends with the graph suspended once a cancelled subscription is over, unless another one pays for it', async () => {
    const [over, later, paid] = [
      await queriedGraph(api, owner),
      await queriedGraph(api, owner),
      await queriedGraph(api, owner),
    ];
    const schema = JSON.stringify({ version: '1', nodes: [], relationships: [] });
    await api.sql('update graph set schema = $2 where org_id = $1', [owner.orgId, schema]);
    const past = new Date(Date.now() - 60_000);
    const future = new Date(Date.now() + 3_600_000);
    const canceled = (resource_id: string, ends_at: Date) =>
      subscription('ladybug-standard', { resource_id, ends_at, status: 'canceled' });
    await canceled(over, past);
    await canceled(later, future);
    await canceled(paid, past);
    await subscription('ladybug-standard', { resource_id: paid, status: 'active' });
    const read = await queriedGraph(api, owner);
    await api.sql(`update graph set schema = $2 where id = $1`, [read, schema]);
    const readBy = await canceled(read, past);
    await api.sql(
      `insert into repository (name, graph_id, description, plans, is_offered, created_at, updated_at)
       values ('r' || substr($1, 3), $1, null, '[]', true, now(), now())`,
      [read],
    );
    await api.sql(
      `insert into repository_grant (id, repository, graph_id, org_id, subscription_id, plan, monthly_credits, granted_at)
       values (gen_random_uuid(), 'r' || substr($1, 3), $1, $2, $3, 'basic', 0, now())`,
      [read, owner.orgId, readBy],
    );
    const sensor = api.get(EndedSubscriptionsSensor);
    await Promise.all([sensor.look(), sensor.look()]);
    const status = async (graph: string) =>
      (await api.call(`GET /v1/graphs/${graph}/info`, owner)).json<{ status: string; suspension: object }>();
    expect(await status(over)).toMatchObject({
      status: 'suspended',
      suspension: { reason: `Its subscription ended on ${past.toISOString()}` },
    });
    for (const graph of [later, paid, read]) expect((await status(graph)).status).toBe('active');
    expect((await audited(over)).filter((action) => action === 'graph.suspended')).toHaveLength(1);
  });
});
