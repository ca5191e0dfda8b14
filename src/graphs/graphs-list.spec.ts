import { testDatabase, type TestDatabase } from '../../test/support/database';
import { IdentityApp, type Person } from '../../test/support/identity-app';
import type { Actor } from '../auth/actor';
import { Transactor } from '../database/transactor';
import { GraphsRepository } from './graphs.repository';

describe('the list of graphs', () => {
  let database: TestDatabase;
  let world: IdentityApp;
  let graphs: GraphsRepository;
  let owner: Person;
  let member: Person;
  let made: string[];

  beforeAll(async () => {
    database = await testDatabase();
    world = await IdentityApp.start(database.url);
    graphs = new GraphsRepository(world.get(Transactor));
    owner = await world.person();
    member = await world.person();
    await world.join(owner, member, 'member');
    made = [];
    for (let graph = 0; graph < 5; graph += 1) made.unshift(await world.graph(owner.orgId));
    // Two of one moment: pages must not lose or repeat one.
    await world.sql('update graph set created_at = (select max(created_at) from graph) where id = any($1)', [
      made.slice(1, 3),
    ]);
    const stranger = await world.person();
    await world.graph(stranger.orgId);
  });
  afterAll(async () => {
    await world.stop();
    await database.drop();
  });

  const actor = ({ id }: Person, graphIds: string[] | null = null): Actor => ({
    userId: id,
    apiKeyId: null,
    sessionId: null,
    scopes: ['read'],
    graphIds,
    requestId: 'test',
    ip: null,
  });
  const ids = async (...[who, page]: Parameters<GraphsRepository['listFor']>) =>
    (await graphs.listFor(who, page)).map(({ id }) => id);

  it('has every graph of an organisation for its owner, and none of others', async () => {
    const all = await graphs.listFor(actor(owner));
    expect(all.map(({ id }) => id).sort()).toEqual([...made].sort());
    expect(all[0]).toMatchObject({ role: 'admin', orgId: owner.orgId, status: 'active', parentId: null });
  });

  it('comes in pages that join to the whole', async () => {
    const all = await ids(actor(owner));
    const pages: string[] = [];
    for (let cursor: string | undefined; ; cursor = pages.at(-1)) {
      const page = await ids(actor(owner), { limit: 2, cursor });
      if (page.length === 0) break;
      pages.push(...page);
    }
    expect(pages).toEqual(all);
  });

  it('has for a member what was shared with them, and for a key what it is bound to', async () => {
    expect(await ids(actor(member))).toEqual([]);
    await world.sql(`insert into graph_member (graph_id, user_id, role) values ($1, $2, 'viewer')`, [
      made[3],
      member.id,
    ]);
    expect(await graphs.listFor(actor(member))).toMatchObject([{ id: made[3], role: 'viewer' }]);
    expect(await ids(actor(owner, [made[4]]))).toEqual([made[4]]);
  });

  it('says which graph somebody works with, as long as they may see it', async () => {
    await world.sql('update app_user set selected_graph_id = $2 where id = any($1)', [[owner.id, member.id], made[0]]);
    expect(await graphs.selectedBy(actor(owner))).toBe(made[0]);
    expect(await graphs.selectedBy(actor(owner, [made[1]]))).toBeNull();
    expect(await graphs.selectedBy(actor(member))).toBeNull();
  });
});
