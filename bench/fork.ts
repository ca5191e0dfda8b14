import type { StartedOperation } from '../src/demo/api-client';
import { BenchChild } from './lib/child';
import { hostLimits } from './lib/engine-limits';
import { FlightsGraph } from './lib/flights-graph';
import { copyGraphFile } from './lib/graph-copy';
import { HttpClient } from './lib/http-client';
import { BenchPlatform } from './lib/platform';
import { Readers } from './lib/readers';
import { atMost, figure, type Report } from './lib/report';
import { median, pairedRatios, quantile, timed } from './lib/stats';

const FORKS = 7;
const READERS = 16;
const QUIET_MS = 8_000;
const COUNT = "MATCH (:Airport {iata: 'ORD'})-[f:FLIGHT]->() RETURN count(*) AS n";
const PART = { where: { Airport: "n.state = 'CA'" } };

/** Forks of the graph of three million, beside a plain copy of its file, and what its readers notice of them. */
export async function fork(): Promise<Report> {
  const platform = await BenchPlatform.start();
  const { graph, load } = await FlightsGraph.load(platform);
  const forks = new Forks(platform, graph.id);
  const file = platform.graphFile(graph.id, load.generation);
  const all = await forks.count(graph.id);
  // The first of each kind warms up and does not count.
  await forks.make({});
  await forks.make({ fork_options: PART });
  const wholeMs: number[] = [];
  const copies: Copy[] = [];
  for (let at = 0; at < FORKS; at += 1) {
    const { ms, rows } = await forks.make({});
    if (rows !== all) throw new Error(`A fork has ${rows} of ${all} rows`);
    wholeMs.push(ms);
    copies.push(await copyAndOpen(file));
  }
  const partMs: number[] = [];
  for (let at = 0; at < FORKS; at += 1) partMs.push((await forks.make({ fork_options: PART })).ms);
  const readers = Readers.start(platform, graph.queryPath, READERS);
  const quiet = await readers.over(QUIET_MS);
  const forking = await readers.during(() => forks.keepMaking({}, QUIET_MS));
  const taking = await readers.during(() => forks.keepMaking({ fork_options: PART }, QUIET_MS));
  await readers.stop();
  forks.close();
  await platform.dispose();
  const p99 = quantile(quiet.ms, 0.99);
  const copyMs = copies.map(({ startMs, ms }) => startMs + ms);
  return {
    name: 'fork',
    findings: [
      atMost(
        `whole fork of 3 million rows, from request to queried (median of ${FORKS})`,
        median(wholeMs) / 1000,
        1,
        's',
      ),
      atMost(
        'the same, by a plain copy of the file, opened and queried in a process of its own (median of pairs)',
        median(pairedRatios(wholeMs, copyMs)),
        1.3,
        'x',
      ),
      figure('that copy, process and query (median)', median(copyMs) / 1000, 's'),
      figure('without the start of the process (median)', median(copies.map(({ ms }) => ms)) / 1000, 's'),
      figure('fork of the airports of one state with their flights (median)', median(partMs) / 1000, 's'),
      atMost(`failed reads of ${READERS} constant readers while their graph is forked`, forking.failed, 0, ''),
      atMost(
        'their p99 during whole forks one after the other, by the quiet one',
        quantile(forking.ms, 0.99) / p99,
        2,
        'x',
      ),
      figure(
        'their p99 during forks of a part one after the other, by the quiet one',
        quantile(taking.ms, 0.99) / p99,
        'x',
      ),
      figure('the quiet one', p99, 'ms'),
    ],
    details: { wholeMs, copies, partMs, reads: { quiet: quiet.ms.length, forking: forking.ms.length } },
  };
}

/** Forks of one graph, each of which is removed when it has been measured. */
class Forks {
  private readonly http: HttpClient;

  constructor(
    private readonly platform: BenchPlatform,
    private readonly graphId: string,
  ) {
    this.http = new HttpClient(platform, 1);
  }

  /** `ms`: from the request until a query of the fork was answered. */
  async make(metadata: object): Promise<{ ms: number; rows: number }> {
    const { api } = this.platform;
    const path = `/v1/graphs/${this.graphId}/subgraphs`;
    const body = { name: 'bench', display_name: 'Bench', fork_parent: true, metadata };
    const { ms, value: rows } = await timed(async () => {
      const started = await api.call<StartedOperation>('POST', path, body);
      await api.watch(started, () => undefined);
      return this.count(started.graph_id);
    });
    await api.call('DELETE', `${path}/bench`, { force: true, backup_first: false });
    return { ms, rows };
  }

  async keepMaking(metadata: object, forMs: number): Promise<void> {
    const end = performance.now() + forMs;
    while (performance.now() < end) await this.make(metadata);
  }

  async count(graphId: string): Promise<number> {
    const answer = await this.http.call('POST', `/v1/graphs/${graphId}/query`, { query: COUNT });
    return (JSON.parse(answer.toString()) as { data: { n: number }[] }).data[0].n;
  }

  close(): void {
    this.http.close();
  }
}

interface Copy {
  startMs: number;
  ms: number;
}

/** What somebody would do by hand, with the bare binding: every graph is opened by a process of its own. */
async function copyAndOpen(file: string): Promise<Copy> {
  const { ms: startMs, value: child } = await timed(async () => {
    const started = BenchChild.start('host-main');
    // Its answer means that it has started.
    await started.ask({ kind: 'ready' });
    return started;
  });
  const { ms } = await timed(async () => {
    await child.ask({ kind: 'open', file: await copyGraphFile(file), ...hostLimits() });
    await child.ask({ kind: 'prepared', statement: COUNT, parameters: [{}] });
  });
  await child.end();
  return { startMs, ms };
}
