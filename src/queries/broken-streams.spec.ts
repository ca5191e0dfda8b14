import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { tableFromIPC } from 'apache-arrow';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { queriedGraph } from '../../test/support/queried-graph';

const ROWS = 50_000;
const ROW_BYTES = 1_000;
/** 50 MB: far more than all buffers between an engine and a reader hold. */
const WIDE = `UNWIND range(1, ${ROWS}) AS n RETURN n, lpad('x', ${ROW_BYTES}, 'x') AS t`;
/** What may be on its way to somebody who does not read: sockets of both sides, credit, and chunks. */
const MOST_IN_FLIGHT = 30_000_000;

const END_OF_ARROW = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

const FORMS = ['application/x-ndjson', 'text/event-stream', 'text/csv', 'application/vnd.apache.arrow.stream'];

/** Over real connections: what a client sees of a stream that breaks, and what the platform holds for one that is slow. */
describe('a stream of rows', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graph: string;
  let port: number;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url, { ENGINE_CONFINEMENT: 'none' });
    await api.app.listen(0, '127.0.0.1');
    ({ port } = api.app.getHttpServer().address() as AddressInfo);
    user = await api.user();
    graph = await queriedGraph(api, user);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  /** An answer of which nothing has been read. */
  async function open(accept: string): Promise<IncomingMessage> {
    const headers = { ...user.headers, accept, 'content-type': 'application/json' };
    const asked = request({ port, method: 'POST', path: `/v1/graphs/${graph}/query`, headers, agent: false });
    asked.end(JSON.stringify({ query: WIDE }));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    expect([answer.statusCode, answer.headers['content-type']?.split(';')[0]]).toEqual([200, accept]);
    return answer;
  }

  /** Reads to the end, of whichever kind; `complete` is whether the connection says that it was the end. */
  async function rest(answer: IncomingMessage): Promise<{ body: Buffer; complete: boolean }> {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('error', () => undefined);
    await new Promise((resolve) => answer.once('close', resolve));
    return { body: Buffer.concat(chunks), complete: answer.complete };
  }

  const rowsSoFar = async (): Promise<number> => {
    const listed = await api.call(`GET /v1/graphs/${graph}/queries/running`, user);
    const [query] = listed.json<{ queries: { rows_so_far: number }[] }>().queries;
    return query?.rows_so_far ?? ROWS;
  };

  /** The number of rows once the engine gives no more: it must not do so because there are none. */
  async function whenHeld(): Promise<number> {
    for (let before = -1, same = 0, deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
      const now = await rowsSoFar();
      same = now === before && now > 0 ? same + 1 : 0;
      if (same === 10) return now;
      before = now;
    }
    throw new Error('The engine went on and on');
  }

  describe.each(FORMS)('as %s', (accept) => {
    it('is cut off, and never looks like an end, where the engine is killed half-way', async () => {
      const answer = await open(accept);
      await whenHeld();
      killHosts();
      const { body, complete } = await rest(answer);
      expect(complete).toBe(false);
      expect(body.length).toBeLessThan(ROWS * ROW_BYTES);
      const text = body.toString('latin1');
      // Somebody who keeps up with the stream gets the reason before; to others the cut alone has to say it.
      expect(text).not.toContain(accept === 'text/event-stream' ? 'event: complete' : '"complete":true');
      if (accept === 'application/vnd.apache.arrow.stream')
        expect(body.subarray(-END_OF_ARROW.length)).not.toEqual(END_OF_ARROW);
    }, 120_000);

    it('is held up by a reader who does not read, and goes on with them to the last row', async () => {
      const answer = await open(accept);
      expect((await whenHeld()) * ROW_BYTES).toBeLessThan(MOST_IN_FLIGHT);
      const { body, complete } = await rest(answer);
      expect(complete).toBe(true);
      expect(rowsIn(accept, body)).toBe(ROWS);
    }, 120_000);
  });

  it('is one of many: the graph answers others after its engine was killed', async () => {
    const answer = await api.call(`POST /v1/graphs/${graph}/query`, user, { query: 'RETURN 1 AS n' });
    expect(answer.json()).toMatchObject({ data: [{ n: 1 }] });
  }, 60_000);
});

function rowsIn(accept: string, body: Buffer): number {
  switch (accept) {
    case 'application/vnd.apache.arrow.stream':
      return tableFromIPC(body).numRows;
    case 'text/csv':
      return body.toString('latin1').trimEnd().split('\r\n').length - 1;
    default:
      return Number(/"total_rows":(\d+),"truncated"/.exec(body.toString('latin1'))?.[1]);
  }
}

/** Kills the engine processes that this one has started. */
function killHosts(): void {
  const hosts = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
      return command.includes('ladybug/host-main') && Number(parent) === process.pid;
    } catch {
      return false;
    }
  });
  expect(hosts.length).toBeGreaterThan(0);
  for (const pid of hosts) process.kill(Number(pid), 'SIGKILL');
}
