import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { EventSource } from 'eventsource';

export interface StartedOperation {
  operation_id: string;
  graph_id: string;
  _links: { stream: string };
}

export interface OperationEvent {
  type: string;
  data: Record<string, unknown>;
}

const REOPEN_MS = 1_000;

/** An operation that ended with an error, as its last event tells it. */
export class OperationFailed extends Error {
  readonly code: string;
  constructor({ message, error, error_details: details }: Record<string, unknown>) {
    super(String(message ?? error));
    this.code = String((details as { code?: string } | undefined)?.code);
  }
}

/** The few calls that the demo makes, as any client would make them: plain HTTP, JSON and an event stream. */
export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {}

  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { 'x-api-key': this.apiKey, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { detail?: unknown };
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer.detail ?? answer)}`);
    return answer;
  }

  /** Streams a file, by its path, or bytes to the signed link that `POST /files` gave. */
  async upload(uploadUrl: string, content: string | Buffer, contentType: string): Promise<void> {
    const bytes = typeof content === 'string' ? (await stat(content)).size : content.length;
    const response = await fetch(uploadUrl, {
      method: 'PUT',
      headers: { 'content-type': contentType, 'content-length': String(bytes) },
      body: typeof content === 'string' ? (Readable.toWeb(createReadStream(content)) as ReadableStream) : content,
      duplex: 'half',
    });
    if (!response.ok) throw new Error(`Uploading answered ${response.status}: ${await response.text()}`);
  }

  /**
   * Follows an operation's event stream to its end and returns the result; throws {@link OperationFailed} if it did not
   * complete. A connection that breaks, or a platform that is busy or restarts, only makes it wait.
   */
  watch(
    operation: Pick<StartedOperation, '_links'>,
    onEvent: (event: OperationEvent) => void,
  ): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      let lastEventId = '';
      const open = (): void => {
        const source = new EventSource(new URL(operation._links.stream, this.url), {
          fetch: (input, init) => {
            const resume: Record<string, string> = lastEventId === '' ? {} : { 'Last-Event-ID': lastEventId };
            return fetch(input, { ...init, headers: { ...init.headers, ...resume, 'x-api-key': this.apiKey } });
          },
        });
        const end = (act: () => void): void => {
          source.close();
          act();
        };
        const on = (type: string, act: (data: Record<string, unknown>) => void): void =>
          source.addEventListener(type, (event) => {
            lastEventId = event.lastEventId;
            act(JSON.parse(String(event.data)) as Record<string, unknown>);
          });
        for (const type of ['operation_started', 'operation_progress', 'operation_retrying', 'queue_update']) {
          on(type, (data) => onEvent({ type, data }));
        }
        on('operation_completed', (data) => end(() => resolve(data.result as Record<string, unknown>)));
        on('operation_error', (data) => end(() => reject(new OperationFailed(data))));
        on('operation_cancelled', (data) => end(() => reject(new Error(`Cancelled: ${String(data.reason)}`))));
        // It reconnects by itself where a connection breaks, but gives up at any answer other than 200.
        source.addEventListener('error', ({ code, message }) => {
          if (source.readyState !== source.CLOSED) return;
          if (code === undefined || code === 429 || code >= 500) setTimeout(open, REOPEN_MS);
          else reject(new Error(`The event stream answered ${code}: ${message ?? ''}`));
        });
      };
      open();
    });
  }
}
