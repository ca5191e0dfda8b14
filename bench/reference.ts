import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { StartedOperation } from '../src/demo/api-client';
import { BenchChild } from './lib/child';
import { onCleanup } from './lib/cleanup';
import { hostLimits } from './lib/engine-limits';
import { copyGraphFile } from './lib/graph-copy';
import { loadWith, type LoadResult, postBytes } from './lib/load-client';
import { BenchPlatform } from './lib/platform';
import { cpuMs } from './lib/processes';
import { processTree } from '../src/engine/ladybug/process-memory';
import { atLeast, atMost, figure, type Report } from './lib/report';
import { median } from './lib/stats';

const NODES = Number(process.env.REFERENCE_NODES ?? 1_000_000);
const RELATIONSHIPS = 2 * NODES;
const CLIENTS = 64;
const ROUNDS = 3;
const ROUND_MS = 4_000;
const CONNECTIONS = 4;
const MANY_CLIENTS = 500;
const MANY_MS = 6_000;
/** Shares of the bare server's rate that are asked of the platform. */
const POINT_SHARE = 0.55;
const HOP_SHARE = 0.8;

const SCHEMA = {
  name: 'reference',
  nodes: [
    {
      name: 'Person',
      properties: [
        { name: 'identifier', type: 'STRING', is_primary_key: true },
        { name: 'city', type: 'STRING' },
        { name: 'age', type: 'INT32' },
        { name: 'score', type: 'DOUBLE' },
      ],
    },
    {
      name: 'Item',
      properties: [
        { name: 'id', type: 'INT64', is_primary_key: true },
        { name: 'label', type: 'STRING' },
      ],
    },
  ],
  relationships: [
    { name: 'KNOWS', from_node: 'Person', to_node: 'Person', properties: [{ name: 'weight', type: 'DOUBLE' }] },
  ],
};
const TABLES: Record<string, string> = {
  Person: `SELECT 'p' || lpad(i::VARCHAR, 7, '0') AS identifier, 'city ' || (i % 500) AS city,
    (i % 90)::INTEGER AS age, (i % 1000) / 100.0 AS score FROM range(${NODES}) t(i)`,
  Item: `SELECT i AS id, 'item ' || i AS label FROM range(${NODES}) t(i)`,
  KNOWS: `SELECT 'p' || lpad((i % ${NODES})::VARCHAR, 7, '0') AS "from",
    'p' || lpad((hash(i) % ${NODES})::VARCHAR, 7, '0') AS "to", (i % 100) / 100.0 AS weight FROM range(${RELATIONSHIPS}) t(i)`,
};

const any = (): number => Math.floor(Math.random() * NODES);
const person = (): object => ({ id: `p${String(any()).padStart(7, '0')}` });
const QUESTIONS = {
  point: {
    query: 'MATCH (p:Person {identifier: $id}) RETURN p.identifier, p.city, p.age, p.score',
    parameters: person,
  },
  integerPoint: { query: 'MATCH (i:Item {id: $id}) RETURN i.id, i.label', parameters: () => ({ id: any() }) },
  hop: {
    query: 'MATCH (p:Person {identifier: $id})-[k:KNOWS]->(q:Person) RETURN q.identifier, q.city, k.weight',
    parameters: person,
  },
};
type Question = keyof typeof QUESTIONS;

/** Small questions by many clients, to the platform and to a bare node:http server on the same data, turn by turn. */
export async function reference(): Promise<Report> {
  const platform = await BenchPlatform.start();
  const { graphId, generation } = await load(platform);
  const standIn = BenchChild.start('standin-main');
  const file = await copyGraphFile(platform.graphFile(graphId, generation));
  const bare = await standIn.ask<string>({ file, ...hostLimits(), connections: CONNECTIONS });
  const path = `/v1/graphs/${graphId}/query`;
  const headers = { 'x-api-key': platform.apiKey };
  const sides = {
    platform: { url: platform.url, path, headers },
    bare: { url: bare, path: '/', headers: {} },
  };
  const ask = (side: keyof typeof sides, question: Question, clients: number, ms: number): Promise<LoadResult> => {
    const { url, path: at, headers: more } = sides[side];
    const { query, parameters } = QUESTIONS[question];
    return loadWith(url, { clients, ms }, () => postBytes(url, at, { query, parameters: parameters() }, more));
  };
  const results: Record<Question, { platform: LoadResult[]; bare: LoadResult[]; cpuMs: number[] }> = {
    point: { platform: [], bare: [], cpuMs: [] },
    integerPoint: { platform: [], bare: [], cpuMs: [] },
    hop: { platform: [], bare: [], cpuMs: [] },
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const question of Object.keys(QUESTIONS) as Question[]) {
      const before = cpuMs(processTree(platform.pid));
      const answers = await ask('platform', question, CLIENTS, ROUND_MS);
      const used = cpuMs(processTree(platform.pid)) - before;
      results[question].cpuMs.push(used / (sum(answers.statuses) || 1));
      results[question].platform.push(answers);
      results[question].bare.push(await ask('bare', question, CLIENTS, ROUND_MS));
    }
  }
  const crowd = await ask('platform', 'point', MANY_CLIENTS, MANY_MS);
  await standIn.end();
  await platform.dispose();

  const share = (question: Question): number =>
    median(results[question].platform.map(({ perSecond }, i) => perSecond / results[question].bare[i].perSecond));
  const rate = (question: Question, side: 'platform' | 'bare'): number =>
    median(results[question][side].map(({ perSecond }) => perSecond));
  const p99 = (question: Question): number => median(results[question].platform.map((one) => one.p99));
  const dishonest = Object.entries(crowd.statuses).filter(([status]) => !['200', '429', '503'].includes(status));
  return {
    name: 'reference',
    findings: [
      atLeast(
        `point lookups by ${CLIENTS} clients, by those of a bare node:http server`,
        share('point'),
        POINT_SHARE,
        'x',
      ),
      figure('point lookups, platform', rate('point', 'platform'), 'requests/s'),
      figure('point lookups, bare server', rate('point', 'bare'), 'requests/s'),
      atMost('point lookups, platform, p99', p99('point'), 50, 'ms'),
      figure('CPU of platform and host for a point lookup', median(results.point.cpuMs), 'ms'),
      atLeast(
        'point lookups by integer key, by those by text key',
        rate('integerPoint', 'platform') / rate('point', 'platform'),
        0.9,
        'x',
      ),
      atLeast('1-hop, by those of the bare server', share('hop'), HOP_SHARE, 'x'),
      figure('1-hop, platform', rate('hop', 'platform'), 'requests/s'),
      figure(`point lookups by ${MANY_CLIENTS} clients`, crowd.perSecond, 'requests/s'),
      atMost(`answers to ${MANY_CLIENTS} clients that are none of 200, 429, 503`, dishonest.length, 0, ''),
    ],
    details: { nodes: NODES, relationships: RELATIONSHIPS, results, crowd },
  };
}

async function load(platform: BenchPlatform): Promise<{ graphId: string; generation: number }> {
  const { api } = platform;
  // More than a graph of the standard tier may have in one table is not needed here.
  const body = { metadata: { graph_name: 'Reference' }, custom_schema: SCHEMA };
  const creation = await api.call<StartedOperation>('POST', '/v1/graphs', body);
  await api.watch(creation, () => undefined);
  const directory = await mkdtemp(join(tmpdir(), 'gs-bench-data-'));
  onCleanup(() => rm(directory, { recursive: true, force: true }));
  const files = `/v1/graphs/${creation.graph_id}/files`;
  for (const [table, select] of Object.entries(TABLES)) {
    const path = join(directory, `${table}.parquet`);
    await writeParquet(path, select);
    const contentType = 'application/x-parquet';
    const request = { table_name: table, file_name: basename(path), content_type: contentType };
    const file = await api.call<{ file_id: string; upload_url: string }>('POST', files, request);
    await api.upload(file.upload_url, path, contentType);
    await api.call('PATCH', `${files}/${file.file_id}`, { status: 'uploaded' });
  }
  const operation = await api.call<StartedOperation>('POST', `/v1/graphs/${creation.graph_id}/materialize`, {});
  const { generation } = await api.watch(operation, () => undefined);
  return { graphId: creation.graph_id, generation: generation as number };
}

async function writeParquet(path: string, select: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
