import { integer, names, oneOf, type Parse, Setting, text, url } from '../config/setting';
import { DagsterNotConfigured } from './dagster.errors';

/** Names of HTTP headers and their values, as a JSON object. */
const headers: Parse<Record<string, string>> = (value) => {
  const parsed = parsedJson(value);
  const valid =
    typeof parsed === 'object' &&
    parsed !== null &&
    !Array.isArray(parsed) &&
    Object.values(parsed).every((one) => typeof one === 'string');
  if (!valid) throw new Error('must be a JSON object of texts, such as {"Authorization": "Bearer ..."}');
  return parsed as Record<string, string>;
};

/** `type=job` pairs. */
const jobs: Parse<Map<string, string>> = (value) => {
  const pairs = names()(value).map((pair) => pair.split('='));
  if (pairs.some((pair) => pair.length !== 2 || !pair.every((name) => /^\w+$/.test(name)))) {
    throw new Error('must be pairs such as graph_materialization=materialize_graph, joined by commas');
  }
  return new Map(pairs as [string, string][]);
};

/** Node's client takes no URL with a password in it, and people see this one in links. */
const withoutPassword: Parse<string> = (value) => {
  const parsed = url('http', 'https')(value);
  const { username, password } = new URL(parsed);
  if (username !== '' || password !== '')
    throw new Error(
      'must not hold a name and a password. Give them in DAGSTER_HEADERS, as {"Authorization": "Basic ..."}',
    );
  return parsed;
};

const USUAL_JOBS = new Map([['graph_materialization', 'materialize_graph']]);

/** Where Dagster is and how it is spoken to; without `DAGSTER_URL` nothing of it is on. */
export class DagsterConfig {
  @Setting('DAGSTER_URL', withoutPassword, 'the webserver of Dagster', 'none: nothing runs there')
  readonly url?: string = undefined;

  @Setting('DAGSTER_LINK_URL', withoutPassword, 'where people open it, used in links to runs', 'DAGSTER_URL')
  readonly linkUrl?: string = undefined;

  @Setting('DAGSTER_HEADERS', headers, 'HTTP headers of every request to it, as a JSON object', 'none')
  readonly headers: Record<string, string> = {};

  @Setting('DAGSTER_LOCATION', text(), 'code location with the jobs')
  readonly location: string = 'graphstead';

  @Setting('DAGSTER_REPOSITORY', text(), 'repository in that code location')
  readonly repository: string = '__repository__';

  @Setting(
    'DAGSTER_JOBS',
    jobs,
    'operation types that Dagster can run, and its job for each, as type=job joined by commas',
    'graph_materialization=materialize_graph',
  )
  readonly jobs: Map<string, string> | undefined = undefined;

  @Setting('DAGSTER_RUNS', names(), 'those of them that it runs where the request names no runner', 'none')
  readonly runs: string[] = [];

  @Setting('DAGSTER_REQUEST_SECONDS', integer({ min: 1, max: 300 }), 'longest wait for an answer of Dagster')
  readonly requestSeconds: number = 10;

  @Setting('DAGSTER_LAUNCH_SECONDS', integer({ min: 1, max: 600 }), 'longest time that the launch of a run may take')
  readonly launchSeconds: number = 30;

  @Setting('DAGSTER_POLL_SECONDS', integer({ min: 1, max: 300 }), 'longest time between two looks at a quiet run')
  readonly pollSeconds: number = 5;

  @Setting(
    'DAGSTER_RUN_SECONDS',
    integer({ min: 1, max: 604_800 }),
    'time after which a run that has not ended is terminated, and its operation fails',
  )
  readonly runSeconds: number = 3_600;

  @Setting(
    'DAGSTER_STOP_SECONDS',
    integer({ min: 1, max: 45 }),
    'time that a run gets to stop before it is marked as cancelled whatever it does',
  )
  readonly stopSeconds: number = 20;

  @Setting(
    'DAGSTER_SETTLE_SECONDS',
    integer({ min: 1, max: 3_600 }),
    'how often runs of ended operations are looked for',
  )
  readonly settleSeconds: number = 10;

  @Setting('DAGSTER_REPORTS', oneOf('true', 'false'), 'false: what is done here is not reported as assets')
  readonly reportsSetting: 'true' | 'false' = 'true';

  @Setting('DAGSTER_ASSET_PREFIX', text(), 'first part of the keys of these assets')
  readonly assetPrefix: string = 'graphstead';

  @Setting('DAGSTER_REPORT_SECONDS', integer({ min: 1, max: 300 }), 'longest wait for the answer to one report')
  readonly reportSeconds: number = 15;

  @Setting('DAGSTER_REPORT_TRIES', integer({ min: 1, max: 100 }), 'tries after which a report is dropped')
  readonly reportTries: number = 5;

  /** The job for operations of this type, if there is one. */
  jobFor(type: string): string | undefined {
    return (this.jobs ?? USUAL_JOBS).get(type);
  }

  /** The address of a path of its webserver. Throws {@link DagsterNotConfigured}. */
  address(path: string): string {
    if (this.url === undefined) throw new DagsterNotConfigured();
    return `${this.url.replace(/\/+$/, '')}${path}`;
  }

  /** Where people look at a run. */
  linkTo(runId: string): string {
    return `${(this.linkUrl ?? this.address('')).replace(/\/+$/, '')}/runs/${runId}`;
  }

  get reports(): boolean {
    return this.url !== undefined && this.reportsSetting === 'true';
  }
}

function parsedJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
