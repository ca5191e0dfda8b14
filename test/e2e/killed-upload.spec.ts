import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Client } from '../support/client';
import { type TestDatabase, testDatabase } from '../support/database';
import { PEOPLE, PERSONS } from '../support/people';
import { Platform } from '../support/platform';

jest.setTimeout(180_000);

/** The API dies while a file is on its way into it. */
describe('an upload whose API process is killed', () => {
  let database: TestDatabase;
  let remove: () => Promise<void>;
  let platform: Platform;

  beforeAll(async () => {
    database = await testDatabase();
    const data = await Platform.newDataDir();
    remove = data.remove;
    platform = await Platform.start(data.dataDir, { DATABASE_URL: database.url });
  });
  afterAll(async () => {
    await platform.stop();
    await remove();
    await database.drop();
  });

  it('leaves nothing of itself, and may be sent again by the same link', async () => {
    const { dataDir, credentials } = platform;
    const client = new Client(platform.url, credentials.api_key);
    const graph = await client.createGraph(PEOPLE);
    const file = await client.expect<{ file_id: string; upload_url: string }>(
      200,
      'POST',
      `/v1/graphs/${graph}/files`,
      { file_name: 'persons.csv', table_name: 'Person', content_type: 'text/csv' },
    );
    const link = new URL(file.upload_url);
    const socket = connect(Number(link.port), link.hostname);
    socket.on('error', () => undefined);
    socket.write(
      `PUT ${link.pathname}${link.search} HTTP/1.1\r\nHost: ${link.host}\r\nContent-Length: 1000000\r\n\r\nid,name\n`,
    );
    const unfinished = () => readdirSync(join(dataDir, 'objects', '.unfinished'));
    while (unfinished().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const ended = once(platform.process, 'close');
    platform.process.kill('SIGKILL');
    await ended;
    socket.destroy();
    expect(unfinished()).toHaveLength(1);

    platform = await Platform.start(dataDir, { DATABASE_URL: database.url });
    expect(unfinished()).toEqual([]);
    const again = new Client(platform.url, credentials.api_key);
    const path = `/v1/graphs/${graph}/files/${file.file_id}`;
    expect(await again.expect(200, 'GET', path)).toMatchObject({ status: 'pending', size_bytes: 0 });
    const sent = await fetch(new URL(link.pathname + link.search, platform.url), { method: 'PUT', body: PERSONS });
    expect(sent.status).toBe(200);
    expect(await again.expect(200, 'PATCH', path, { status: 'uploaded' })).toMatchObject({
      status: 'staged',
      row_count: 3,
    });
  });
});
