import { Agent, type ClientRequest, request } from 'node:http';
import { answerParent } from './lib/child';
import { quantile } from './lib/stats';

export type ClientQuestion = { open: string[]; url: string; apiKey: string } | { close: true } | { seen: number };

/** What all streams together have seen. */
export interface Seen {
  /** Events that a stream should have seen and has not. */
  missed: number;
  /** Events that a stream saw twice or out of order. */
  doubled: number;
  p50: number;
  p95: number;
  p99: number;
}

/** Requests at the same time, as browsers that come back after a restart would make them. */
const AT_ONCE = 50;

/** One open stream; it keeps count and no text. */
class Stream {
  private rest = '';
  private last = 0;
  events = 0;
  doubled = 0;

  private constructor(private readonly sent: ClientRequest) {}

  /** Resolves with the first event that was stored, so that the stream is open for certain. */
  static open(agent: Agent, url: string, path: string, apiKey: string): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url);
      const sent = request({ agent, hostname, port, path, headers: { 'x-api-key': apiKey } }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${path} answered ${response.statusCode}`));
        const stream = new Stream(sent);
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          stream.take(text);
          if (stream.events > 0) resolve(stream);
        });
        response.on('error', () => undefined);
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  private take(text: string): void {
    const now = performance.timeOrigin + performance.now();
    const frames = (this.rest + text).split('\n\n');
    this.rest = frames.pop()!;
    for (const frame of frames) {
      const id = /^id: (\d+)$/m.exec(frame);
      if (!id) continue;
      const sequence = Number(id[1]);
      if (sequence === this.last + 1) this.events += 1;
      else this.doubled += 1;
      this.last = sequence;
      const sentAt = /"sent_at":"([\d.]+)"/.exec(frame);
      if (sentAt) latencies.push(now - Number(sentAt[1]));
    }
  }

  close(): void {
    this.sent.destroy();
  }
}

const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
const latencies: number[] = [];
const open: Stream[] = [];

answerParent(async (question: ClientQuestion) => {
  if ('open' in question) {
    const paths = [...question.open];
    const opener = async (): Promise<void> => {
      for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
        open.push(await Stream.open(agent, question.url, path, question.apiKey));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, opener));
    return open.length;
  }
  if ('close' in question) {
    for (const stream of open.splice(0)) stream.close();
    latencies.length = 0;
    return 0;
  }
  const missed = open.reduce((sum, { events }) => sum + question.seen - events, 0);
  const doubled = open.reduce((sum, stream) => sum + stream.doubled, 0);
  const at = (q: number): number => (latencies.length > 0 ? quantile(latencies, q) : 0);
  return { missed, doubled, p50: at(0.5), p95: at(0.95), p99: at(0.99) } satisfies Seen;
});
