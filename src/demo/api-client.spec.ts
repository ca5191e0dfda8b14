import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiClient, OperationFailed } from './api-client';

type Handler = (request: IncomingMessage, reply: ServerResponse) => void;

const operation = { operation_id: 'op_1', graph_id: 'kg1', _links: { stream: '/stream' } };
const event = (id: number, type: string, data: object): string =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

describe('ApiClient.watch', () => {
  let server: Server;
  let api: ApiClient;
  /** What each connection gets, in turn; and what each asked to resume after. */
  let answers: Handler[];
  let resumed: (string | undefined)[];

  beforeEach(async () => {
    resumed = [];
    server = createServer((request, reply) => {
      resumed.push(request.headers['last-event-id'] as string | undefined);
      answers.shift()!(request, reply);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    api = new ApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'key');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const stream =
    (...frames: string[]): Handler =>
    (_, reply) =>
      void reply.writeHead(200, { 'content-type': 'text/event-stream' }).end(`retry: 10\n\n${frames.join('')}`);
  const refusal =
    (status: number): Handler =>
    (_, reply) =>
      void reply.writeHead(status, { 'content-type': 'application/problem+json' }).end('{}');

  it('goes on after the last event where the platform answers with an error for a while', async () => {
    answers = [
      stream(event(1, 'operation_started', { progress_percent: 0 }), event(2, 'operation_progress', {})),
      refusal(503),
      refusal(500),
      stream(event(3, 'operation_completed', { result: { rows: 7 } })),
    ];
    const seen: string[] = [];
    expect(await api.watch(operation, ({ type }) => seen.push(type))).toEqual({ rows: 7 });
    expect(seen).toEqual(['operation_started', 'operation_progress']);
    expect(resumed).toEqual([undefined, '2', '2', '2']);
  }, 30_000);

  it('fails where asking again cannot help, and as the operation did', async () => {
    answers = [refusal(404)];
    await expect(api.watch(operation, () => undefined)).rejects.toThrow('answered 404');
    answers = [stream(event(1, 'operation_error', { message: 'No', error_details: { code: 'rows_rejected' } }))];
    const failed = await api.watch(operation, () => undefined).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(OperationFailed);
    expect(failed).toMatchObject({ message: 'No', code: 'rows_rejected' });
  }, 30_000);
});
