import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type Started } from '../support/client';
import { PEOPLE } from '../support/people';
import { manyFriendships, manyPersons } from '../support/people-rows';
import { Platform } from '../support/platform';

describe('a platform that is killed in the middle of a load', () => {
  let dataDir: string;
  let remove: () => Promise<void>;
  let platform: Platform;

  beforeAll(async () => {
    ({ dataDir, remove } = await Platform.newDataDir());
    platform = await Platform.start(dataDir);
  }, 90_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
  });

  it('finishes the operation after it was started again, and leaves nothing behind', async () => {
    const before = new Client(platform.url, platform.credentials.api_key);
    const graphId = await before.createGraph(PEOPLE);
    const [persons, friendships] = [manyPersons(), manyFriendships()];
    await before.stage(graphId, 'Person', 'persons.csv', persons.csv);
    await before.stage(graphId, 'KNOWS', 'knows.csv', friendships.csv);
    const started = await before.expect<Started>(200, 'POST', `/v1/graphs/${graphId}/materialize`, {});
    await before.untilEvent(started, 'Loading KNOWS');
    await platform.stop('SIGKILL');

    // The Postgres of the killed platform still runs, and is taken over.
    platform = await Platform.start(dataDir);
    expect(platform.output).toContain('Took over the Postgres');
    const after = new Client(platform.url, platform.credentials.api_key);
    expect(await after.result(started)).toMatchObject({
      rows_loaded: persons.rows + friendships.rows,
      rows_rejected: 0,
    });

    const status = await after.expect(200, 'GET', started._links.status);
    expect(status).toMatchObject({ status: 'completed', attempt: 2 });
    const events = (await after.events(started)).filter((frame) => frame.id !== null);
    expect(events.map((frame) => Number(frame.id))).toEqual(events.map((_, index) => index + 1));
    expect(events.filter((frame) => frame.event === 'operation_retrying')).toHaveLength(1);
    expect(events.filter((frame) => /completed|error|cancelled/.test(frame.event))).toHaveLength(1);

    expect(await after.query(graphId, 'MATCH ()-[k:KNOWS]->() RETURN count(*) AS n')).toEqual([
      { n: friendships.rows },
    ]);
    // The lock is gone: the next one may begin.
    expect(await after.materialize(graphId)).toMatchObject({ skipped: true });
    const work = join(dataDir, 'work');
    expect(existsSync(work) ? readdirSync(work) : []).toEqual([]);
  }, 120_000);
});
