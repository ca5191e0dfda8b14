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

  /** Streams a file to the signed link that `POST /files` gave. */
  async upload(uploadUrl: string, file: string, contentType: string): Promise<void> {
    const { size } = await stat(file);
    const response = await fetch(uploadUrl, {
      method: 'PUT',
      headers: { 'content-type': contentType, 'content-length': String(size) },
      body: Readable.toWeb(createReadStream(file)) as ReadableStream,
      duplex: 'half',
    });
    if (!response.ok) throw new Error(`Uploading answered ${response.status}: ${await response.text()}`);
  }

  /** Follows an operation's event stream to its end and returns the result; throws if it did not complete. */
  watch(operation: StartedOperation, onEvent: (event: OperationEvent) => void): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      // The client reconnects by itself with Last-Event-ID, so a restart of the platform only makes it wait.
      const source = new EventSource(new URL(operation._links.stream, this.url), {
        fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, 'x-api-key': this.apiKey } }),
      });
      const end = (act: () => void): void => {
        source.close();
        act();
      };
      const on = (type: string, act: (data: Record<string, unknown>) => void): void =>
        source.addEventListener(type, (event) => act(JSON.parse(String(event.data)) as Record<string, unknown>));
      for (const type of ['operation_started', 'operation_progress', 'operation_retrying', 'queue_update']) {
        on(type, (data) => onEvent({ type, data }));
      }
      on('operation_completed', (data) => end(() => resolve(data.result as Record<string, unknown>)));
      on('operation_error', (data) => end(() => reject(new Error(String(data.message ?? data.error)))));
      on('operation_cancelled', (data) => end(() => reject(new Error(`Cancelled: ${String(data.reason)}`))));
    });
  }
}
