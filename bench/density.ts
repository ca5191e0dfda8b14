import { link, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { HttpClient } from './lib/http-client';
import { BenchPlatform } from './lib/platform';
import { memoryOf } from './lib/processes';
import { atMost, figure, type Report } from './lib/report';
import { pause, spreadOf, timed } from './lib/stats';
import type { StartedOperation } from '../src/demo/api-client';

const FEW = 10;
const MANY = 10_000;
const LISTS = 200;
const PAGE = 100;
const WAKES = 30;
const SETTLE_MS = 3_000;
const MB = 1024 * 1024;
const QUERY = { query: 'MATCH (n) RETURN count(*) AS n' };

/** What many graphs cost that nobody queries: memory, listing them, and waking one of them. */
export async function density(): Promise<Report> {
  const platform = await BenchPlatform.start();
  const started = await platform.api.call<StartedOperation & { graph_id: string }>('POST', '/v1/graphs', {
    metadata: { graph_name: 'The first' },
  });
  await platform.api.watch(started, () => undefined);
  const catalog = await Catalog.open(platform, started.graph_id);
  const http = new HttpClient(platform, 1);
  const list = async (path: string): Promise<number> => (await timed(() => http.call('GET', path))).ms;
  const lists = async (path: string, times: number): Promise<number[]> => {
    const ms: number[] = [];
    for (let at = 0; at < times; at += 1) ms.push(await list(path));
    return ms;
  };
  try {
    await catalog.growTo(FEW);
    await lists(`/v1/graphs?limit=${PAGE}`, LISTS);
    await pause(SETTLE_MS);
    const fewBytes = memoryOf([platform.pid]).rssBytes;

    await catalog.growTo(MANY);
    const page = spreadOf(await lists(`/v1/graphs?limit=${PAGE}`, LISTS));
    const wakes: number[] = [];
    for (const graphId of await catalog.sample(WAKES)) {
      wakes.push((await timed(() => http.call('POST', `/v1/graphs/${graphId}/query`, QUERY))).ms);
    }
    await pause(SETTLE_MS);
    const manyBytes = memoryOf([platform.pid]).rssBytes;
    const all = spreadOf(await lists('/v1/graphs', 10));
    const wake = spreadOf(wakes);
    const grown = (manyBytes - fewBytes) / MB;
    return {
      name: 'density',
      findings: [
        atMost(`memory of the platform with ${MANY} graphs above that with ${FEW} (RSS)`, grown, 50, 'MB'),
        atMost(`a page of ${PAGE} of ${MANY} graphs, p99 of ${LISTS}`, page.p99, 50, 'ms'),
        figure(`all ${MANY} graphs in one answer, p50`, all.p50, 'ms'),
        atMost(`waking one of ${MANY} graphs, max of ${WAKES}`, wake.max, 500, 'ms'),
        figure('waking one, p50', wake.p50, 'ms'),
      ],
      details: { fewBytes, manyBytes, page, all, wake },
    };
  } finally {
    http.close();
    await catalog.close();
    await platform.dispose();
  }
}

/** Copies of one graph in the catalog. Those that are to be woken get its files as well. */
class Catalog {
  private constructor(
    private readonly platform: BenchPlatform,
    private readonly client: Client,
    private readonly model: string,
  ) {}

  static async open(platform: BenchPlatform, model: string): Promise<Catalog> {
    const { socketDirectory: host, port } = await platform.postgres();
    const client = new Client({ host, port, user: 'postgres', database: 'graphstead' });
    await client.connect();
    return new Catalog(platform, client, model);
  }

  async growTo(graphs: number): Promise<void> {
    await this.client.query(
      `with made as (
         insert into graph (id, org_id, name, description, tags, tier, status, schema, live_generation, last_generation, created_by, created_at)
         select 'kg' || lpad(to_hex(i), 20, '0'), org_id, 'Graph ' || i, description, tags, tier, status, schema,
           live_generation, last_generation, created_by, created_at - i * interval '1 minute'
         from graph, generate_series((select count(*) from graph), $2::bigint - 1) i where id = $1
         returning id
       )
       insert into generation (graph_id, number, status, manifest, published_at)
       select made.id, number, status, manifest, published_at from made, generation where graph_id = $1`,
      [this.model, graphs],
    );
  }

  /** Ids of graphs spread over all, with a file each. */
  async sample(count: number): Promise<string[]> {
    const { rows } = await this.client.query<{ id: string; live_generation: number }>(
      'select id, live_generation from graph where id <> $1 order by md5(id) limit $2',
      [this.model, count],
    );
    for (const { id, live_generation: generation } of rows) {
      const file = this.platform.graphFile(id, generation);
      await mkdir(join(file, '..'), { recursive: true });
      // Graphs are only read, so one file can be many.
      await link(this.platform.graphFile(this.model, generation), file);
    }
    return rows.map(({ id }) => id);
  }

  close(): Promise<void> {
    return this.client.end();
  }
}
