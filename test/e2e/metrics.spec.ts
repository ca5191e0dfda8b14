import { Client } from '../support/client';
import { type TestDatabase, testDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { PEOPLE } from '../support/people';
import { Platform } from '../support/platform';

describe('GET /metrics', () => {
  let database: TestDatabase;
  let platform: Platform;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    database = await testDatabase();
    const made = await Platform.newDataDir();
    remove = made.remove;
    platform = await Platform.start(made.dataDir, { DATABASE_URL: database.url, METRICS_TOKEN: 'collector' });
  }, 60_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
    await database.drop();
  });

  const scrape = (headers: Record<string, string>) => fetch(new URL('/metrics', platform.url), { headers });

  it('tells a collector and an operator what was done, and nobody else', async () => {
    await new Client(platform.url, platform.credentials.api_key).createGraph(PEOPLE);
    const answer = await scrape({ authorization: 'Bearer collector' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    // Who watches an operation can hear of its end before the worker that wrote it has counted it.
    const text = await eventually(
      'the graph creation is counted',
      async () => (await scrape({ authorization: 'Bearer collector' })).text(),
      (read) => read.includes('graphstead_attempts_ended_total{type="graph_creation",outcome="completed"} 1\n'),
    );
    expect(text).toContain('graphstead_dead_letters{type="graph_creation"} 0\n');
    expect(text).toMatch(/\nprocess_resident_memory_bytes \d+\n/);

    expect((await scrape({ 'x-api-key': platform.credentials.api_key })).status).toBe(200);
    expect((await scrape({})).status).toBe(401);
    expect((await scrape({ authorization: 'Bearer collecto' })).status).toBe(401);
  });
});
