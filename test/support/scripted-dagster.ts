import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildSchema, graphql } from 'graphql';

const SCHEMA = join(__dirname, '..', '..', 'src', 'dagster', 'schema.graphql');

export interface ScriptedRun {
  runId: string;
  status: string;
  creationTime: number;
  tags: { key: string; value: string }[];
  job: string;
  runConfig: unknown;
  events: object[];
  /** The policies with which its end was asked for. */
  asked: string[];
}

/** What becomes of a launch: of `lost` and `held` ones there is a run, and no answer, at once or ever; of `dropped` ones neither. */
export type LaunchFate = 'answered' | 'lost' | 'held' | 'dropped';

/**
 * Dagster's side of the wire: its own schema, executed, so that a statement which the real one would refuse is refused here
 * too, with runs that do what a test says. For faults that the real one cannot be made to have when they are needed.
 */
export class ScriptedDagster {
  readonly runs: ScriptedRun[] = [];
  readonly reports: { path: string; body: { metadata: Record<string, unknown> } }[] = [];
  launches = 0;
  /** Called with each run that was launched. */
  onLaunch: (run: ScriptedRun) => LaunchFate = () => 'answered';
  /** In the place of a run. */
  launchRefusal?: object;
  /** Called when the end of a run is asked for; by default it ends. */
  onTerminate: (run: ScriptedRun, policy: string) => void = (run) => (run.status = 'CANCELED');
  /** While true, no request is answered and no run made: connections are cut. */
  down = false;
  /** What every request to its API is answered with instead, such as the page of a proxy. */
  page?: { status: number; text: string };
  /** While true, requests are taken and never answered. */
  hangs = false;
  /** Status with which reports are answered. */
  reportStatus = 200;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<ScriptedDagster> {
    const schema = buildSchema(readFileSync(SCHEMA, 'utf8'));
    const server = createServer((request, response) => {
      answer(schema, dagster, request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const dagster: ScriptedDagster = new ScriptedDagster(
      server,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    );
    return dagster;
  }

  /** The runs of an operation, in the order of their launches. */
  runsOf(operationId: string): ScriptedRun[] {
    return this.runs.filter(({ tags }) => tags.some(({ value }) => value === operationId));
  }

  /** Everything as after {@link start}. */
  reset(): void {
    this.runs.length = 0;
    this.reports.length = 0;
    this.launches = 0;
    this.down = false;
    this.hangs = false;
    this.page = undefined;
    this.reportStatus = 200;
    this.launchRefusal = undefined;
    this.onLaunch = () => 'answered';
    this.onTerminate = (run) => (run.status = 'CANCELED');
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A line of a run's log. */
export function logLine(message: string): object {
  return { ...event('LogMessageEvent', message), eventType: null };
}

export function event(__typename: string, message = '', more: object = {}): object {
  return { __typename, runId: '', message, timestamp: '0', level: 'INFO', stepKey: 'step', ...more };
}

async function answer(
  schema: ReturnType<typeof buildSchema>,
  dagster: ScriptedDagster,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  if (dagster.down) return void response.destroy();
  if (dagster.hangs) return;
  const body = JSON.parse(text) as { query: string; variables: Record<string, unknown>; operationName: string };
  if (request.url !== '/graphql') {
    dagster.reports.push({ path: request.url!, body: body as never });
    response.writeHead(dagster.reportStatus, { 'content-type': 'application/json' });
    return void response.end('{}');
  }
  if (dagster.page) {
    response.writeHead(dagster.page.status, { 'content-type': 'text/html' });
    return void response.end(dagster.page.text);
  }
  let fate: LaunchFate = 'answered';
  const result = await graphql({
    schema,
    source: body.query,
    operationName: body.operationName,
    variableValues: body.variables,
    rootValue: resolvers(dagster, (decided) => (fate = decided)),
  });
  // Decided while the statement was executed.
  const decided = fate as LaunchFate;
  if (decided === 'held') return;
  if (decided !== 'answered') return void response.destroy();
  response.writeHead(result.errors ? 500 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(result));
}

interface LaunchParams {
  selector: { jobName: string };
  runConfigData: unknown;
  executionMetadata: { tags: { key: string; value: string }[] };
}

function resolvers(dagster: ScriptedDagster, decide: (fate: LaunchFate) => void): object {
  return {
    launchRun({ executionParams: { selector, runConfigData, executionMetadata } }: { executionParams: LaunchParams }) {
      dagster.launches += 1;
      if (dagster.launchRefusal) return dagster.launchRefusal;
      const run: ScriptedRun = {
        runId: randomUUID(),
        status: 'STARTED',
        creationTime: Date.now() / 1000,
        tags: executionMetadata.tags,
        job: selector.jobName,
        runConfig: runConfigData,
        events: [],
        asked: [],
      };
      const fate = dagster.onLaunch(run);
      if (fate !== 'dropped') dagster.runs.push(run);
      decide(fate);
      return { __typename: 'LaunchRunSuccess', run: shown(run) };
    },
    runsOrError({ filter }: { filter: { tags: { key: string; value: string }[] } }) {
      const [{ key, value }] = filter.tags;
      const results = dagster.runs.filter(({ tags }) => tags.some((tag) => tag.key === key && tag.value === value));
      // The newest first, as Dagster has it.
      return { __typename: 'Runs', results: results.map(shown).reverse() };
    },
    logsForRun({ runId, afterCursor, limit }: { runId: string; afterCursor: string | null; limit: number }) {
      const run = dagster.runs.find((one) => one.runId === runId);
      if (!run) return { __typename: 'RunNotFoundError', message: 'not found' };
      const from = Number(afterCursor ?? 0);
      if (Number.isNaN(from))
        return { __typename: 'PythonError', message: 'bad cursor', className: 'Error', stack: [] };
      const events = run.events.slice(from, from + limit);
      const cursor = String(from + events.length);
      return { __typename: 'EventConnection', cursor, hasMore: from + events.length < run.events.length, events };
    },
    terminateRun({ runId, terminatePolicy }: { runId: string; terminatePolicy: string }) {
      const run = dagster.runs.find((one) => one.runId === runId);
      if (!run) return { __typename: 'RunNotFoundError', message: 'not found' };
      if (['SUCCESS', 'FAILURE', 'CANCELED'].includes(run.status)) {
        return { __typename: 'TerminateRunFailure', message: 'due to having status', run: shown(run) };
      }
      run.asked.push(terminatePolicy);
      dagster.onTerminate(run, terminatePolicy);
      return { __typename: 'TerminateRunSuccess', run: shown(run) };
    },
  };
}

function shown({ runId, status, creationTime }: ScriptedRun): object {
  return { __typename: 'Run', runId, status, creationTime };
}
