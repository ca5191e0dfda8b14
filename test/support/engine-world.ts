import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DuckDBInstance } from '@duckdb/node-api';
import { Confinement, type ConfinementLevel } from '../../src/engine/confinement';
import { PlatformConfig } from '../../src/config/platform.config';
import { EngineConfig } from '../../src/engine/engine.config';
import type { BuildSpec, GenerationRef, QueryRequest, QuerySummary, QueryColumn } from '../../src/engine/graph-engine';
import { LadybugEngine } from '../../src/engine/ladybug/ladybug-engine';

/** An engine over a folder of its own, with Parquet made by statements. Call `end` in `afterAll`. */
export class EngineWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'graphstead-engine-'));
  readonly input = join(this.folder, 'input');
  readonly engine: LadybugEngine;
  /** The target given out last. */
  last!: GenerationRef;
  private made = 0;

  constructor(settings: Partial<EngineConfig> = {}, level: ConfinementLevel = 'none') {
    mkdirSync(this.input);
    Logger.overrideLogger(false);
    const platform = Object.assign(new PlatformConfig(), { dataDir: this.folder });
    this.engine = new LadybugEngine(Object.assign(new EngineConfig(), settings), new Confinement(level), platform);
  }

  /** A place for a new generation. */
  target(graphId = `kg${this.made}`): GenerationRef {
    this.made += 1;
    this.last = { graphId, generation: 1, directory: join(this.folder, `generation-${this.made}`) };
    return this.last;
  }

  /** A new graph that statements make. */
  async graphOf(definitions: string[]): Promise<GenerationRef> {
    const target = this.target();
    await this.engine.build({ target, definitions, loads: [] }, { signal: new AbortController().signal });
    return target;
  }

  /** Rows of a Parquet file. */
  async count(file: string): Promise<number> {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const rows = await connection.runAndReadAll(`SELECT count(*) FROM read_parquet('${file}')`);
    connection.closeSync();
    instance.closeSync();
    return Number(rows.getRows()[0][0]);
  }

  async parquet(name: string, select: string): Promise<string> {
    const file = join(this.input, name);
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    return file;
  }

  /** `people` persons in a ring of KNOWS, person i knowing person i + 1. */
  async ringSpec(people: number): Promise<BuildSpec> {
    const persons = await this.parquet(
      `person-${people}.parquet`,
      `SELECT i AS id, 'person ' || i AS name, DATE '2000-01-01' + CAST(i % 100 AS INTEGER) AS born,
       TIMESTAMP '2020-01-01 10:00:00.5' AS seen, CAST(i AS DOUBLE) / 2 AS score FROM range(${people}) t(i)`,
    );
    const knows = await this.parquet(
      `knows-${people}.parquet`,
      `SELECT i AS a, (i + 1) % ${people} AS b, DATE '2021-02-03' AS since FROM range(${people}) t(i)`,
    );
    return {
      target: this.target(),
      inputDirectory: this.input,
      definitions: [
        'CREATE NODE TABLE Person(id INT64 PRIMARY KEY, name STRING, born DATE, seen TIMESTAMP, score DOUBLE)',
        'CREATE REL TABLE KNOWS(FROM Person TO Person, since DATE)',
      ],
      loads: [
        { table: 'Person', kind: 'node', files: [persons], rows: people },
        { table: 'KNOWS', kind: 'relationship', from: 'Person', to: 'Person', files: [knows], rows: people },
      ],
    };
  }

  async ring(people: number): Promise<GenerationRef> {
    const spec = await this.ringSpec(people);
    await this.engine.build(spec, { signal: new AbortController().signal });
    return spec.target;
  }

  /** Runs a query and reads all of it. */
  async rows(
    target: GenerationRef,
    statement: string,
    parameters: Record<string, unknown> = {},
    more: Partial<QueryRequest> & { signal?: AbortSignal } = {},
  ): Promise<{ rows: Record<string, unknown>[]; columns: QueryColumn[]; summary: QuerySummary }> {
    const { signal, ...request } = more;
    const stream = await this.engine.query(
      target,
      { statement, parameters, timeoutMs: 40_000, format: 'ndjson', ...request },
      signal,
    );
    let text = '';
    for await (const batch of stream.batches) text += batch.bytes.toString('utf8');
    const rows = text.split('\n').filter(Boolean);
    return {
      rows: rows.map((row) => JSON.parse(row) as Record<string, unknown>),
      columns: stream.columns,
      summary: await stream.summary,
    };
  }

  async end(): Promise<void> {
    await this.engine.onApplicationShutdown();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits for a condition, looking often; fails with its name when it does not come true in time. */
export async function until(name: string, condition: () => boolean, withinMs = 40_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
