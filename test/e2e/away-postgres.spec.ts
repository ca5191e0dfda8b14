import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres';
import { migrate } from '../../src/database/migrate';
import { ApiApp } from '../support/api-app';

describe('an API whose Postgres is away', () => {
  let root: string;
  let cluster: EmbeddedPostgres;
  let api: ApiApp;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'gs-away-'));
    cluster = await EmbeddedPostgres.start(root);
    await migrate(cluster.url());
    api = await ApiApp.start(cluster.url());
  }, 60_000);

  afterAll(async () => {
    await api?.stop();
    await cluster?.stop();
    rmSync(root, { recursive: true, force: true });
  }, 60_000);

  it('answers 503 with words and a time to wait, and serves again when it is back', async () => {
    const user = await api.user();
    await cluster.stop();
    for (const route of ['GET /v1/graphs', 'POST /v1/graphs']) {
      const answer = await api.call(
        route,
        user,
        route.startsWith('POST') ? { metadata: { graph_name: 'g' } } : undefined,
      );
      expect(answer.json()).toMatchObject({ status: 503, code: 'service_unavailable' });
      expect(answer.json<{ detail: string }>().detail).not.toMatch(/connect|socket|SQL/);
      expect(answer.headers['retry-after']).toBe('2');
    }
    cluster = await EmbeddedPostgres.start(root);
    expect((await api.call('GET /v1/graphs', user)).statusCode).toBe(200);
  }, 120_000);
});
