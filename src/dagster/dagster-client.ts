import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { DagsterConfig } from './dagster.config';
import { DagsterAnswerUnreadable, DagsterUnauthorized, DagsterUnreachable } from './dagster.errors';
import type { Statement } from './statements.generated';

/** Failures before a connection was there: nothing was sent. */
const NEVER_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
/** What a proxy answers for a server that is not there, and a server that has too much to do. */
const PASSING = [429, 502, 503, 504];
const TRIES = 3;
const RETRY_MS = 200;

export interface SendOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Sends statements to Dagster's API. Reads are tried again where the connection fails; a mutation is sent once, since
 * nobody can tell whether it was done.
 */
@Injectable()
export class DagsterClient {
  private readonly logger = new Logger(DagsterClient.name);

  constructor(private readonly config: DagsterConfig) {}

  /**
   * The answer, whose unions the caller takes apart. Throws {@link DagsterUnreachable}, {@link DagsterUnauthorized},
   * {@link DagsterAnswerUnreadable}, or the reason of the signal.
   */
  async send<Answer, Variables>(
    { name, text }: Statement<Answer, Variables>,
    variables: Variables,
    options: SendOptions = {},
  ): Promise<Answer> {
    const tries = text.startsWith('query') ? TRIES : 1;
    for (let left = tries - 1; ; left -= 1) {
      try {
        const response = await this.post('/graphql', { query: text, variables, operationName: name }, options);
        return this.answerOf(name, response) as Answer;
      } catch (error) {
        if (left === 0 || !(error instanceof DagsterUnreachable)) throw error;
        await delay(RETRY_MS);
      }
    }
  }

  /** Posts to one of its plain routes. Throws as {@link send} does, and for every status of a failure. */
  async report(path: string, body: object, options: SendOptions = {}): Promise<void> {
    const response = await this.post(path, body, options);
    if (response.status !== 200) throw this.refusal(path, response.status, response.text);
  }

  private async post(
    path: string,
    body: object,
    { timeoutMs = this.config.requestSeconds * 1_000, signal }: SendOptions,
  ): Promise<{ status: number; text: string }> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const address = this.config.address(path);
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: { ...this.config.headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      signal?.throwIfAborted();
      this.logger.debug(`${address}: ${String(error)}`);
      throw new DagsterUnreachable(!isNeverSent(error), { cause: error });
    }
  }

  private answerOf(name: string, { status, text }: { status: number; text: string }): unknown {
    const answer = parsed(text);
    if (answer?.data && !answer.errors) return answer.data;
    throw this.refusal(name, status, text);
  }

  private refusal(what: string, status: number, text: string): Error {
    this.logger.warn(`Dagster answered ${what} with ${status}: ${text.slice(0, 1_000)}`);
    if (status === 401 || status === 403) return new DagsterUnauthorized();
    return PASSING.includes(status) ? new DagsterUnreachable(true) : new DagsterAnswerUnreadable();
  }
}

function isNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause, errors } = error as Error & { code?: unknown; errors?: unknown[] };
  if (typeof code === 'string' && NEVER_SENT.test(code)) return true;
  return isNeverSent(cause) || (errors !== undefined && errors.length > 0 && errors.every(isNeverSent));
}

function parsed(text: string): { data?: object | null; errors?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
