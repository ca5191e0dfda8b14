import { Agent, type IncomingMessage, request } from 'node:http';
import type { BenchPlatform } from './platform';

/** Plain HTTP over a fixed number of connections that are kept, so that it costs the client little. */
export class HttpClient {
  private readonly agent: Agent;
  private readonly url: URL;

  constructor(
    private readonly platform: Pick<BenchPlatform, 'url' | 'apiKey'>,
    connections: number,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.url = new URL(platform.url);
  }

  /** The answer as it comes in; throws with its text where it is not 200. */
  async open(method: string, path: string, body?: object, accept = '*/*'): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const { hostname, port } = this.url;
      const headers = {
        'x-api-key': this.platform.apiKey,
        accept,
        ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
      };
      const sent = request({ agent: this.agent, hostname, port, method, path, headers }, resolve);
      sent.on('error', reject);
      sent.end(payload);
    });
    if (response.statusCode === 200) return response;
    throw new Error(`${method} ${path} answered ${response.statusCode}: ${(await read(response)).toString()}`);
  }

  /** Waits for the whole answer. */
  async call(method: string, path: string, body?: object): Promise<Buffer> {
    return read(await this.open(method, path, body));
  }

  close(): void {
    this.agent.destroy();
  }
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
