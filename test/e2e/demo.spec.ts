import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from '../support/client';
import { Platform } from '../support/platform';

const DEMO = join(__dirname, '..', '..', 'dist', 'src', 'demo', 'demo-main.js');

/** What it says, but for times: of its files, its questions, the rows that are not right, its forks and its backups. */
const LINES = [
  'staged airports.csv into Airport: 3,376 rows',
  'staged flights-3m.parquet into FLIGHT: 3,000,000 rows',
  'loaded 3,008,742 rows, rejected 0',
  'ORD  Chicago  166,341',
  'JFK  CLE  37.5  412',
  'Honolulu  Newark  4,962  181',
  'rows_rejected: 5 rows are not right, and ignore_errors is false, so nothing was published',
  'nothing was published: generation 2 is live as before',
  'Airport: loaded 1, rejected 3, left out the column elevation',
  'ROUTE: loaded 1, rejected 2',
  'new-airports.csv row 2  type_mismatch: latitude is not DOUBLE: far north',
  'new-routes.csv row 3  to_not_found: no Airport has the key QQQ',
  'forked as a whole: 3,377 airports, 3,000,000 flights',
  'forked in part, the airports of California: 205 airports, ',
  'changed the whole one: 3,378 airports, 3,000,001 flights; its parent as before: 3,377 airports, 3,000,000 flights',
  'broken, rebuilt without the file of flights: 3,377 airports, 0 flights',
  'restored, after a backup of what was live: 3,377 airports, 3,000,000 flights',
  'two airports that are none: 3,379 airports, 3,000,000 flights; rolled back to generation ',
];

/** The first thing that a stranger runs after `npm start`: the whole demo, with its three million rows and what `--full` adds. */
describe('the demo', () => {
  let remove: () => Promise<void>;
  let platform: Platform;

  beforeAll(async () => {
    const { dataDir, remove: removeDir } = await Platform.newDataDir();
    remove = removeDir;
    platform = await Platform.start(dataDir);
  }, 90_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
  });

  async function run(): Promise<{ output: string; code: number }> {
    const env = { PATH: process.env.PATH, DATA_DIR: platform.dataDir, GRAPHSTEAD_URL: platform.url };
    const child = spawn(process.execPath, [DEMO, '--full'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    const [code] = (await once(child, 'close')) as [number];
    return { output, code };
  }

  it('loads, asks, shows broken rows, forks, restores, takes back, and leaves a graph that can be asked more', async () => {
    const { output, code } = await run();
    for (const line of LINES) expect(output).toContain(line);
    expect(code).toBe(0);
    const [, id] = /The graph is (\S+);/.exec(output)!;
    const client = new Client(platform.url, platform.credentials.api_key);
    expect(await client.query(id, 'MATCH ()-[f:FLIGHT]->() RETURN count(*) AS n')).toEqual([{ n: 3_000_000 }]);
    expect(await client.query(id, 'MATCH (a:Airport) RETURN count(*) AS n')).toEqual([{ n: 3_377 }]);
    const { subgraphs } = await client.expect<{ subgraphs: object[] }>(200, 'GET', `/v1/graphs/${id}/subgraphs`);
    expect(subgraphs).toMatchObject([{ subgraph_name: 'whatif' }, { subgraph_name: 'california' }]);
    const { backups } = await client.expect<{ backups: object[] }>(200, 'GET', `/v1/graphs/${id}/backups`);
    expect(backups).toMatchObject([
      { kind: 'system', status: 'completed' },
      { kind: 'manual', status: 'completed' },
    ]);
  }, 180_000);
});
