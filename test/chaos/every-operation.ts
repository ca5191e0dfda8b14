import { randomUUID } from 'node:crypto';
import type { Client, Started } from '../support/client';
import { KNOWS, PEOPLE, PERSONS } from '../support/people';
import { manyPersons } from '../support/people-rows';

/** An operation to be begun, and what must be so after it has completed, however often its worker died. */
export interface Prepared {
  begin(): Promise<Started>;
  check(): Promise<void>;
}

const COUNT = 'MATCH (p:Person) RETURN count(*) AS n';

/** Each type of operation by its name: how a test comes to an operation of it. */
export const EVERY_OPERATION: Readonly<Record<string, (client: Client) => Promise<Prepared>>> = {
  async graph_creation(client) {
    let graphId = '';
    return {
      begin: async () => {
        const body = { metadata: { graph_name: 'killed' }, custom_schema: PEOPLE };
        const started = await client.expect<Started>(202, 'POST', '/v1/graphs', body);
        graphId = started.graph_id;
        return started;
      },
      check: async () => expect(await client.query(graphId, COUNT)).toEqual([{ n: 0 }]),
    };
  },

  async graph_deletion(client) {
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    return {
      begin: () => client.expect<Started>(202, 'DELETE', `/v1/graphs/${graphId}`),
      check: async () => void (await client.expect(404, 'GET', `/v1/graphs/${graphId}/info`)),
    };
  },

  async file_stage(client) {
    const { rows, csv } = manyPersons();
    const graphId = await client.createGraph(PEOPLE);
    const files = `/v1/graphs/${graphId}/files`;
    const headers = { 'content-type': 'text/csv' };
    const file = await client.expect<{ file_id: string; upload_url: string }>(200, 'POST', files, {
      file_name: 'persons.csv',
      table_name: 'Person',
      content_type: 'text/csv',
    });
    await fetch(file.upload_url, { method: 'PUT', body: csv, headers });
    const path = `${files}/${file.file_id}`;
    return {
      begin: async () => {
        await client.request('PATCH', path, { status: 'uploaded' }, { prefer: 'wait=0' });
        // The answer is the file's; its operation is the only one of its kind in the graph.
        const begun = `/v1/operations?graph_id=${graphId}&operation_type=file_stage`;
        const { operations } = await client.expect<{ operations: Started[] }>(200, 'GET', begun);
        const [{ operation_id }] = operations;
        const links = `/v1/operations/${operation_id}`;
        return { operation_id, graph_id: graphId, _links: { stream: `${links}/stream`, status: `${links}/status` } };
      },
      check: async () =>
        expect(await client.expect(200, 'GET', path)).toMatchObject({ status: 'staged', row_count: rows }),
    };
  },

  async graph_materialization(client) {
    const { rows, csv } = manyPersons();
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', csv);
    await client.stage(graphId, 'KNOWS', 'knows.csv', `${KNOWS}1,99999,2000\n`);
    let rejects = '';
    return {
      begin: async () => {
        const started = await client.expect<Started>(200, 'POST', `/v1/graphs/${graphId}/materialize`, {});
        rejects = `/v1/graphs/${graphId}/materializations/${started.operation_id}/rejects`;
        return started;
      },
      check: async () => {
        expect(await client.query(graphId, COUNT)).toEqual([{ n: rows }]);
        expect(await client.expect(200, 'GET', rejects)).toMatchObject({ rejects: [{ reason: 'to_not_found' }] });
      },
    };
  },

  async graph_rows(client) {
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.materialize(graphId);
    const nodes = [4, 5].map((id) => ({ label: 'Person', properties: { id, name: `Person ${id}` } }));
    const relationships = [{ type: 'KNOWS', from: 1, to: 5, properties: { since: 1900 } }];
    return {
      begin: () => client.expect<Started>(202, 'POST', `/v1/graphs/${graphId}/rows`, { nodes, relationships }),
      check: async () => {
        expect(await client.query(graphId, COUNT)).toEqual([{ n: 5 }]);
        expect(await client.query(graphId, 'MATCH ()-[k:KNOWS]->() RETURN count(*) AS n')).toEqual([{ n: 1 }]);
      },
    };
  },

  async graph_schema_change(client) {
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.materialize(graphId);
    const add = { nodes: [{ name: 'Person', properties: [{ name: 'city', type: 'STRING' }] }] };
    return {
      begin: () => client.expect<Started>(202, 'PATCH', `/v1/graphs/${graphId}/schema`, { add }),
      check: async () => {
        const cities = 'MATCH (p:Person) WHERE p.city IS NULL RETURN count(*) AS n';
        expect(await client.query(graphId, cities)).toEqual([{ n: 3 }]);
        const { versions } = await client.expect<{ versions: unknown[] }>(
          200,
          'GET',
          `/v1/graphs/${graphId}/schema/versions`,
        );
        expect(versions).toHaveLength(2);
      },
    };
  },

  async subgraph_creation(client) {
    const graphId = await client.createGraph(PEOPLE);
    const subgraphs = `/v1/graphs/${graphId}/subgraphs`;
    return {
      begin: async () => {
        const body = { name: 'killed', display_name: 'Killed' };
        return (await client.request('POST', subgraphs, body, { prefer: 'wait=0' })).json() as Promise<Started>;
      },
      check: async () => {
        expect(await client.query(`${graphId}_killed`, COUNT)).toEqual([{ n: 0 }]);
        expect(await client.expect(200, 'GET', `${subgraphs}/quota`)).toMatchObject({ current_count: 1 });
      },
    };
  },

  async backup_creation(client) {
    const { rows, csv } = manyPersons();
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', csv);
    await client.materialize(graphId);
    return {
      begin: () => client.expect<Started>(202, 'POST', `/v1/graphs/${graphId}/backups`, {}),
      check: async () => {
        const { backups } = await client.expect<{ backups: object[] }>(200, 'GET', `/v1/graphs/${graphId}/backups`);
        expect(backups).toMatchObject([{ status: 'completed', node_count: rows, error: null }]);
      },
    };
  },

  async backup_verification(client) {
    const { graphId, backup } = await backedUp(client);
    return {
      begin: () => client.expect<Started>(202, 'POST', `${backup}/verify`),
      check: async () => {
        expect(await client.expect(200, 'GET', backup)).toMatchObject({ status: 'completed', error: null });
        expect(await client.query(graphId, COUNT)).toEqual([{ n: 3 }]);
      },
    };
  },

  async backup_restore(client) {
    const { graphId, backup } = await backedUp(client);
    const nodes = [{ label: 'Person', properties: { id: 4, name: 'Person 4' } }];
    const rows = { nodes, relationships: [] };
    await client.result(await client.expect<Started>(202, 'POST', `/v1/graphs/${graphId}/rows`, rows));
    return {
      begin: () => client.expect<Started>(202, 'POST', `${backup}/restore`, {}),
      check: async () => {
        expect(await client.query(graphId, COUNT)).toEqual([{ n: 3 }]);
        const { backups } = await client.expect<{ backups: object[] }>(200, 'GET', `/v1/graphs/${graphId}/backups`);
        expect(backups).toMatchObject([
          { kind: 'system', status: 'completed', node_count: 4 },
          { kind: 'manual', status: 'completed', node_count: 3 },
        ]);
      },
    };
  },

  async subgraph_fork(client) {
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    await client.stage(graphId, 'KNOWS', 'knows.csv', KNOWS);
    await client.materialize(graphId);
    const subgraphs = `/v1/graphs/${graphId}/subgraphs`;
    const fork_options = { where: { Person: 'n.id < 3' }, include_staging: true };
    return {
      begin: () => {
        const body = { name: 'killed', display_name: 'Killed', fork_parent: true, metadata: { fork_options } };
        return client.expect<Started>(200, 'POST', subgraphs, body);
      },
      check: async () => {
        expect(await client.query(`${graphId}_killed`, COUNT)).toEqual([{ n: 2 }]);
        const info = await client.expect(200, 'GET', `${subgraphs}/killed/info`);
        expect(info).toMatchObject({ edge_count: 1, staged_file_count: 2, lineage: { parent_graph_id: graphId } });
      },
    };
  },

  async subgraph_reset(client) {
    const { subgraphs, child, graphId } = await forked(client);
    const nodes = [{ label: 'Person', properties: { id: 4, name: 'Person 4' } }];
    await client.result(await client.expect<Started>(202, 'POST', `/v1/graphs/${graphId}/rows`, { nodes }));
    return {
      begin: () => client.expect<Started>(202, 'POST', `${subgraphs}/killed/reset`),
      check: async () => {
        expect(await client.query(child, COUNT)).toEqual([{ n: 4 }]);
        const info = await client.expect(200, 'GET', `${subgraphs}/killed/info`);
        expect(info).toMatchObject({ edge_count: 2, lineage: { parent_graph_id: graphId } });
      },
    };
  },

  async subgraph_deletion(client) {
    const { subgraphs, child } = await forked(client);
    let backup = '';
    return {
      begin: async () => {
        const headers = { prefer: 'wait=0' };
        const answer = await client.request('DELETE', `${subgraphs}/killed`, { force: true }, headers);
        const begun = (await answer.json()) as Started & { backup_location: string };
        backup = begun.backup_location;
        const links = `/v1/operations/${begun.operation_id}`;
        return { ...begun, _links: { stream: `${links}/stream`, status: `${links}/status` } };
      },
      check: async () => {
        await client.expect(404, 'GET', `/v1/graphs/${child}/info`);
        const restored = await client.expect<Started>(202, 'POST', backup, { graph_name: 'Back' });
        await client.result(restored);
        expect(await client.query(restored.graph_id, COUNT)).toEqual([{ n: 3 }]);
      },
    };
  },

  async dagster_job(client) {
    // Its run ends by itself, and the settings of the test name this Dagster.
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
    let operationId = '';
    return {
      begin: async () => {
        const path = `/v1/graphs/${graphId}/materialize?runner=dagster`;
        const started = await client.expect<Started>(200, 'POST', path, {});
        operationId = started.operation_id;
        return started;
      },
      check: async () =>
        expect(await client.expect(200, 'GET', `/v1/operations/${operationId}/status`)).toMatchObject({
          result: { job: 'materialize_graph' },
        }),
    };
  },

  async graph_provisioning(client) {
    const graph_name = `Ordered ${randomUUID()}`;
    const resource_config = { graph_name, custom_schema: PEOPLE };
    const order = { plan_name: 'ladybug-standard', resource_type: 'graph', resource_config };
    const { session, pay } = await ordered(client, order);
    return {
      begin: pay,
      check: async () => {
        const paid = await client.expect<{ status: string; resource_id: string }>(200, 'GET', session);
        expect(paid.status).toBe('active');
        expect(await client.query(paid.resource_id, COUNT)).toEqual([{ n: 0 }]);
        const { graphs } = await client.expect<{ graphs: { graphName: string }[] }>(200, 'GET', '/v1/graphs');
        expect(graphs.filter(({ graphName }) => graphName === graph_name)).toHaveLength(1);
      },
    };
  },

  async repository_provisioning(client) {
    const graph_id = await client.createGraph(PEOPLE);
    const repository = `killed_${graph_id.slice(2, 14)}`;
    const plans = [{ name: 'basic', display_name: 'Basic', monthly_price_cents: 100, monthly_credits: 50 }];
    await client.expect(200, 'PUT', `/v1/admin/repositories/${repository}`, { graph_id, plans });
    const order = { plan_name: 'basic', resource_type: 'repository', resource_config: { repository } };
    const { session, pay } = await ordered(client, order);
    const { orgs } = await client.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs');
    return {
      begin: pay,
      check: async () => {
        expect(await client.expect(200, 'GET', session)).toMatchObject({ status: 'active', resource_id: repository });
        const { repositories } = await client.expect<{ repositories: { repository: string; credits: object }[] }>(
          200,
          'GET',
          `/v1/orgs/${orgs[0].id}/repositories`,
        );
        const mine = repositories.filter((one) => one.repository === repository);
        expect(mine).toMatchObject([{ credits: { balance: 50, monthly_allocation: 50 } }]);
      },
    };
  },

  async subscription_sync(client) {
    const order = { plan_name: 'ladybug-standard', resource_type: 'graph', resource_config: {} };
    const { subscription_id: id } = await client.expect<{ subscription_id: string }>(
      201,
      'POST',
      '/v1/billing/checkout',
      order,
    );
    const { orgs } = await client.expect<{ orgs: { id: string }[] }>(200, 'GET', '/v1/orgs');
    const subscription = `/v1/billing/subscriptions/${orgs[0].id}/subscription/${id}`;
    await client.expect(200, 'POST', `${subscription}/cancel`);
    return {
      begin: () => client.expect<Started>(202, 'POST', `/v1/admin/subscriptions/${id}/sync`),
      check: async () => expect(await client.expect(200, 'GET', subscription)).toMatchObject({ status: 'canceled' }),
    };
  },

  async graph_tier_change(client) {
    const graphId = await client.createGraph(PEOPLE);
    return {
      begin: () => client.expect<Started>(202, 'POST', `/v1/admin/graphs/${graphId}/tier`, { tier: 'ladybug-large' }),
      check: async () => {
        expect(await client.query(graphId, COUNT)).toEqual([{ n: 0 }]);
        const limits = await client.expect(200, 'GET', `/v1/graphs/${graphId}/limits`);
        expect(limits).toMatchObject({ graph_tier: 'ladybug-large' });
      },
    };
  },

  async graph_deprovisioning(client) {
    const { graphId, subgraphs, child } = await forked(client);
    const { graphs } = await client.expect<{ graphs: { graphId: string; orgId: string }[] }>(200, 'GET', '/v1/graphs');
    const { orgId } = graphs.find((graph) => graph.graphId === graphId)!;
    const admin = `/v1/admin/graphs/${graphId}`;
    await client.expect(200, 'POST', `${admin}/suspend`, { reason: 'Over' });
    await client.expect(402, 'POST', `/v1/graphs/${graphId}/query`, { query: COUNT });
    await client.expect(402, 'GET', `${subgraphs}/killed/info`);
    return {
      begin: () => client.expect<Started>(202, 'POST', `${admin}/deprovision`),
      check: async () => {
        for (const gone of [graphId, child]) await client.expect(404, 'GET', `/v1/graphs/${gone}/info`);
        const kept = `/v1/orgs/${orgId}/deleted-graphs/backups`;
        const { backups } = await client.expect<{ backups: { backup_id: string; graph_id: string }[] }>(
          200,
          'GET',
          kept,
        );
        const final = backups.filter((backup) => backup.graph_id === graphId);
        expect(final).toMatchObject([{ kind: 'system', status: 'completed', node_count: 3 }]);
        const path = `${kept}/${final[0].backup_id}/restore`;
        const restored = await client.expect<Started>(202, 'POST', path, { graph_name: 'Back' });
        await client.result(restored);
        expect(await client.query(restored.graph_id, COUNT)).toEqual([{ n: 3 }]);
      },
    };
  },

  async query_execution(client) {
    const rows = 20_000;
    const queries = `/v1/graphs/${await client.createGraph(PEOPLE)}/queries`;
    let operationId = '';
    return {
      begin: async () => {
        const query = `UNWIND range(1, ${rows}) AS n RETURN n`;
        const started = await client.expect<Started>(202, 'POST', queries, { query });
        operationId = started.operation_id;
        return started;
      },
      check: async () => {
        const download = await client.request('GET', `${queries}/${operationId}/download?format=ndjson`);
        expect((await download.text()).trim().split('\n')).toHaveLength(rows);
      },
    };
  },
};

/** Further ways of operations whose steps are others. */
export const VARIANTS: typeof EVERY_OPERATION = {
  async 'backup_creation of an export'(client) {
    const { rows, csv } = manyPersons();
    const graphId = await client.createGraph(PEOPLE);
    await client.stage(graphId, 'Person', 'persons.csv', csv);
    await client.materialize(graphId);
    const backups = `/v1/graphs/${graphId}/backups`;
    return {
      begin: () => client.expect<Started>(202, 'POST', backups, { backup_format: 'parquet' }),
      check: async () => {
        const made = await client.expect<{ backups: object[] }>(200, 'GET', backups);
        expect(made.backups).toMatchObject([{ status: 'completed', node_count: rows, error: null }]);
      },
    };
  },

  async 'backup_restore of an export into another graph'(client) {
    const { backup } = await backedUp(client, 'json');
    let restored = '';
    return {
      begin: async () => {
        const body = { new_graph: { graph_name: 'From rows' } };
        const started = await client.expect<Started>(202, 'POST', `${backup}/restore`, body);
        restored = started.graph_id;
        return started;
      },
      check: async () => expect(await client.query(restored, COUNT)).toEqual([{ n: 3 }]),
    };
  },

  async 'graph_tier_change of a subscription'(client) {
    const resource_config = { graph_name: 'Moved', custom_schema: PEOPLE };
    const order = { plan_name: 'ladybug-standard', resource_type: 'graph', resource_config };
    const { session, pay } = await ordered(client, order);
    await client.result(await pay());
    const { resource_id: graphId } = await client.expect<{ resource_id: string }>(200, 'GET', session);
    const path = `/v1/graphs/${graphId}/subscriptions`;
    return {
      begin: async () => {
        const plan = { new_plan_name: 'ladybug-large' };
        const { operation_id } = await client.expect<{ operation_id: string }>(200, 'PATCH', path, plan);
        return client.expect<Started>(200, 'GET', `/v1/operations/${operation_id}`);
      },
      check: async () => {
        const moved = { status: 'active', plan_name: 'ladybug-large', base_price_cents: 19_900 };
        expect(await client.expect(200, 'GET', path)).toMatchObject(moved);
        const limits = await client.expect(200, 'GET', `/v1/graphs/${graphId}/limits`);
        expect(limits).toMatchObject({ graph_tier: 'ladybug-large' });
      },
    };
  },
};

/** An order that waits for its payment; `pay` gives the operation that makes what was ordered. */
async function ordered(client: Client, order: object): Promise<{ session: string; pay: () => Promise<Started> }> {
  const { session_id } = await client.expect<{ session_id: string }>(201, 'POST', '/v1/billing/checkout', order);
  const session = `/v1/billing/checkout/${session_id}/status`;
  const { invoices } = await client.expect<{ invoices: { id: string }[] }>(200, 'GET', '/v1/admin/invoices');
  const pay = async (): Promise<Started> => {
    await client.expect(200, 'POST', `/v1/admin/invoices/${invoices[0].id}/pay`);
    const { operation_id } = await client.expect<{ operation_id: string }>(200, 'GET', session);
    return client.expect<Started>(200, 'GET', `/v1/operations/${operation_id}`);
  };
  return { session, pay };
}

/** A graph of three persons, and the path of its backup. */
async function backedUp(client: Client, backup_format = 'full_dump'): Promise<{ graphId: string; backup: string }> {
  const graphId = await client.createGraph(PEOPLE);
  await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
  await client.materialize(graphId);
  const backups = `/v1/graphs/${graphId}/backups`;
  const started = await client.expect<Started & { backup_id: string }>(202, 'POST', backups, { backup_format });
  await client.result(started);
  return { graphId, backup: `${backups}/${started.backup_id}` };
}

/** A graph of three persons and two relationships between them, and a fork of it. */
async function forked(client: Client): Promise<{ graphId: string; subgraphs: string; child: string }> {
  const graphId = await client.createGraph(PEOPLE);
  await client.stage(graphId, 'Person', 'persons.csv', PERSONS);
  await client.stage(graphId, 'KNOWS', 'knows.csv', KNOWS);
  await client.materialize(graphId);
  const subgraphs = `/v1/graphs/${graphId}/subgraphs`;
  const body = { name: 'killed', display_name: 'Killed', fork_parent: true };
  await client.result(await client.expect<Started>(200, 'POST', subgraphs, body));
  return { graphId, subgraphs, child: `${graphId}_killed` };
}
