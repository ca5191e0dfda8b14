import { DomainError } from '../common/domain-error';

/** No setting says where Dagster is. */
export class DagsterNotConfigured extends DomainError {
  readonly code = 'dagster_not_configured';
  readonly kind = 'not_implemented';
  constructor() {
    super('This platform has no Dagster. Leave "runner" out, or have its operator set DAGSTER_URL');
  }
}

/** No job is named for operations of this type. */
export class NoDagsterJob extends DomainError {
  readonly code = 'no_dagster_job';
  readonly kind = 'conflict';
  constructor(type: string) {
    super(`Dagster has no job for ${type}. Leave "runner" out, or have the operator name one in DAGSTER_JOBS`);
  }
}

/** No answer came. Where `sent` is false, nothing of the request can have reached Dagster. */
export class DagsterUnreachable extends DomainError {
  readonly code = 'dagster_unreachable';
  readonly kind = 'unavailable';
  override readonly retryable = true;
  constructor(
    readonly sent: boolean,
    options?: ErrorOptions,
  ) {
    super('Dagster does not answer. Try again when it is there', options);
  }
}

/** It is there, and does not speak as it should: another service, another version, or a proxy's page. */
export class DagsterAnswerUnreadable extends DomainError {
  readonly code = 'dagster_answer_unreadable';
  readonly kind = 'unavailable';
  constructor() {
    super('What answers in the place of Dagster is not its API. An operator should check DAGSTER_URL and its version');
  }
}

/** The request was refused as not allowed. */
export class DagsterUnauthorized extends DomainError {
  readonly code = 'dagster_unauthorized';
  readonly kind = 'unavailable';
  constructor() {
    super('Dagster does not let this platform do that. An operator should check DAGSTER_HEADERS and its permissions');
  }
}

/** No job of this name in the code location, or no such location. */
export class DagsterJobNotFound extends DomainError {
  readonly code = 'dagster_job_not_found';
  readonly kind = 'not_found';
  constructor(job: string, location: string) {
    super(
      `Dagster has no job "${job}" in the code location "${location}", or could not load it. Check both, and DAGSTER_JOBS`,
    );
  }
}

/** The job does not take the configuration that it was given. */
export class DagsterConfigInvalid extends DomainError {
  readonly code = 'dagster_config_invalid';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(job: string, problems: { path: string; reason: string }[]) {
    const words = problems.map(({ path, reason }) => `${path || 'the top'}: ${reason}`).join('; ');
    super(`The Dagster job "${job}" does not take the configuration of its run (${words}). Its code must be mended`);
    this.details = { job, problems };
  }
}

/** Every other reason for which Dagster starts no run. */
export class DagsterLaunchRefused extends DomainError {
  readonly kind = 'conflict';
  constructor(
    readonly code: string,
    job: string,
    why: string,
  ) {
    super(`Dagster did not start the job "${job}": ${why}`);
  }
}

/** An error inside Dagster, or in its code location. What it says is in our log, since it may hold paths and code. */
export class DagsterFailed extends DomainError {
  readonly code = 'dagster_failed';
  readonly kind = 'unavailable';
  constructor(what: string) {
    super(`Dagster could not ${what} because of an error of its own. Its log and that of this platform say more`);
  }
}

/** Whether Dagster, or what stands before it, may do better later; of a run, and of what was sent, it says nothing. */
export function isPassing(error: unknown): error is Error {
  return [DagsterUnreachable, DagsterFailed, DagsterAnswerUnreadable, DagsterUnauthorized].some(
    (passing) => error instanceof passing,
  );
}

/** The run is not in Dagster any more. */
export class DagsterRunNotFound extends DomainError {
  readonly code = 'dagster_run_not_found';
  readonly kind = 'not_found';
  constructor(runId: string) {
    super(
      `Dagster has no run ${runId} any more, so how it ended is not known. Look at the graph, and start it again if need be`,
    );
  }
}

/** The run ended as failed. */
export class DagsterRunFailed extends DomainError {
  readonly code = 'dagster_run_failed';
  readonly kind = 'conflict';
  constructor(
    why: string,
    override readonly details: Readonly<Record<string, unknown>>,
  ) {
    super(`The Dagster run failed: ${why}`);
  }
}

/** The run took too long and was stopped. */
export class DagsterRunTimedOut extends DomainError {
  readonly code = 'dagster_run_timeout';
  readonly kind = 'timeout';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(seconds: number, remark: string) {
    super(`The Dagster run had not ended after ${seconds} s. ${remark}`);
    this.details = { timeout_seconds: seconds };
  }
}
