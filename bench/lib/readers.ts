import { HttpClient } from './http-client';
import type { BenchPlatform } from './platform';
import { pause } from './stats';

/** What readers saw in a while. */
export interface Reads {
  ms: number[];
  failed: number;
}

/** Between two reads of one reader, so that they are constant and not as many as the machine gives. */
const REST_MS = 20;
const AIRPORTS = ['ORD', 'JFK', 'ATL', 'DFW', 'BGR', 'TUS', 'FAI', 'SEA'];
const QUERY = 'MATCH (a:Airport {iata: $iata}) RETURN a.name AS name, a.city AS city';

/** Clients that read one graph by key without end. */
export class Readers {
  private seen: Reads = { ms: [], failed: 0 };
  private stopped = false;
  private readonly loops: Promise<void>[];
  private readonly http: HttpClient;

  private constructor(
    platform: Pick<BenchPlatform, 'url' | 'apiKey'>,
    private readonly queryPath: string,
    readers: number,
  ) {
    this.http = new HttpClient(platform, readers);
    this.loops = Array.from({ length: readers }, (_, at) => this.read(at));
  }

  static start(platform: Pick<BenchPlatform, 'url' | 'apiKey'>, queryPath: string, readers: number): Readers {
    return new Readers(platform, queryPath, readers);
  }

  async over(ms: number): Promise<Reads> {
    return this.during(() => pause(ms));
  }

  async during(work: () => Promise<unknown>): Promise<Reads> {
    this.seen = { ms: [], failed: 0 };
    await work();
    return this.seen;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
    this.http.close();
  }

  private async read(at: number): Promise<void> {
    while (!this.stopped) {
      const started = performance.now();
      const body = { query: QUERY, parameters: { iata: AIRPORTS[at % AIRPORTS.length] } };
      const seen = this.seen;
      try {
        await this.http.call('POST', this.queryPath, body);
        seen.ms.push(performance.now() - started);
      } catch {
        seen.failed += 1;
      }
      await pause(REST_MS);
    }
  }
}
