import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type Started } from '../support/client';
import { PEOPLE } from '../support/people';
import { Platform } from '../support/platform';

const PERSONS = 20_000;
const FRIENDSHIPS = 600_000;

/** Everybody knows the next thirty: enough rows for the load to be caught in the middle. */
function friendships(): string {
  const lines = ['from,to,since'];
  for (let i = 0; i < FRIENDSHIPS; i += 1) {
    const from = i % PERSONS;
    lines.push(`${from},${(from + 1 + Math.floor(i / PERSONS)) % PERSONS},${1900 + (i % 100)}`);
  }
  return lines.join('\n');
}

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
    const persons = ['id,name,born', ...Array.from({ length: PERSONS }, (_, i) => `${i},Person ${i},1990-01-01`)];
    await before.stage(graphId, 'Person', 'persons.csv', persons.join('\n'));
    await before.stage(graphId, 'KNOWS', 'knows.csv', friendships());
    const started = await before.expect<Started>(200, 'POST', `/v1/graphs/${graphId}/materialize`, {});
    await untilLoading(before, started);
    await platform.stop('SIGKILL');

    // The Postgres of the killed platform still runs, and is taken over.
    platform = await Platform.start(dataDir);
    expect(platform.output).toContain('Took over the Postgres');
    const after = new Client(platform.url, platform.credentials.api_key);
    expect(await after.result(started)).toMatchObject({ rows_loaded: PERSONS + FRIENDSHIPS, rows_rejected: 0 });

    const status = await after.expect(200, 'GET', started._links.status);
    expect(status).toMatchObject({ status: 'completed', attempt: 2 });
    const events = (await after.events(started)).filter((frame) => frame.id !== null);
    expect(events.map((frame) => Number(frame.id))).toEqual(events.map((_, index) => index + 1));
    expect(events.filter((frame) => frame.event === 'operation_retrying')).toHaveLength(1);
    expect(events.filter((frame) => /completed|error|cancelled/.test(frame.event))).toHaveLength(1);

    expect(await after.query(graphId, 'MATCH ()-[k:KNOWS]->() RETURN count(*) AS n')).toEqual([{ n: FRIENDSHIPS }]);
    // The lock is gone: the next one may begin.
    expect(await after.materialize(graphId)).toMatchObject({ skipped: true });
    const work = join(dataDir, 'work');
    expect(existsSync(work) ? readdirSync(work) : []).toEqual([]);
  }, 120_000);

  async function untilLoading(client: Client, started: Started): Promise<void> {
    const response = await client.request('GET', started._links.stream);
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.includes('Loading KNOWS')) return;
      if (text.includes('stream_end')) throw new Error(`Too fast to be caught: ${text}`);
    }
  }
});
