import { basename } from 'node:path';
import type { OperationEvent, StartedOperation } from '../../src/demo/api-client';
import { FILES, SCHEMA } from '../../src/demo/flights';
import type { BenchPlatform } from './platform';

/** A materialization from its request to the moment in which its client heard of the end. */
export interface Load {
  ms: number;
  generation: number;
  rows: number;
  events: OperationEvent[];
  createdAt: string;
}

/** The demo's graph on a platform, created and staged as the demo does it. */
export class FlightsGraph {
  private constructor(
    private readonly platform: BenchPlatform,
    readonly id: string,
  ) {}

  static async stage(platform: BenchPlatform): Promise<FlightsGraph> {
    const { api } = platform;
    const body = { metadata: { graph_name: 'Flights' }, custom_schema: SCHEMA };
    const creation = await api.call<StartedOperation>('POST', '/v1/graphs', body);
    await api.watch(creation, () => undefined);
    const graph = new FlightsGraph(platform, creation.graph_id);
    for (const { table, path, contentType } of FILES) await graph.stageFile(table, basename(path), contentType, path);
    return graph;
  }

  /** Stages a file, by its path, or bytes. */
  async stageFile(table: string, name: string, contentType: string, content: string | Buffer): Promise<void> {
    const { api } = this.platform;
    const request = { table_name: table, file_name: name, content_type: contentType };
    const files = `/v1/graphs/${this.id}/files`;
    const file = await api.call<{ file_id: string; upload_url: string }>('POST', files, request);
    await api.upload(file.upload_url, content, contentType);
    await api.call('PATCH', `${files}/${file.file_id}`, { status: 'uploaded' });
  }

  /** Staged and materialized once. */
  static async load(platform: BenchPlatform): Promise<{ graph: FlightsGraph; load: Load }> {
    const graph = await FlightsGraph.stage(platform);
    return { graph, load: await graph.materialize() };
  }

  async materialize(body: object = { force: true }): Promise<Load> {
    const { api } = this.platform;
    const events: OperationEvent[] = [];
    const started = performance.now();
    const path = `/v1/graphs/${this.id}/materialize`;
    const operation = await api.call<StartedOperation & { created_at: string }>('POST', path, body);
    const result = await api.watch(operation, (event) => events.push(event));
    const ms = performance.now() - started;
    const { generation, rows_loaded: rows } = result as { generation: number; rows_loaded: number };
    return { ms, generation, rows, events, createdAt: operation.created_at };
  }

  get queryPath(): string {
    return `/v1/graphs/${this.id}/query`;
  }
}
