import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { progressed } from '../../src/operations/operation-events';
import { OperationLog } from '../../src/operations/operation-log';
import { type TestDatabase, testDatabase } from '../support/database';
import { OperationsWorld, Script, TEST_ACTOR } from '../support/operations-world';
import { ManyWork, ManyWorkProcessor } from './many-work';
import { chaos, type Chance, LONG } from './seed';
import { Watcher } from './watcher';

const CUTS = LONG ? 1_000 : 100;
const CLIENTS = LONG ? 50 : 10;
/** Of a connection before it is cut: as short as half of a header, as long as many events. */
const MOST_MS = 200;
const MOST_BYTES = 10_000;

describe('clients whose connections are cut again and again', () => {
  let database: TestDatabase;
  /** A client that comes back may come to another process. */
  let worlds: OperationsWorld[];
  const script = new Script();

  beforeAll(async () => {
    database = await testDatabase();
    const settings = { STREAM_RETRY_MS: '100', MAX_STREAMS_PER_USER: '10000' };
    const work = { script, processors: [ManyWorkProcessor], contracts: [ManyWork] };
    worlds = [
      await OperationsWorld.start(database.url, settings, work),
      await OperationsWorld.start(database.url, { ...settings, ROLES: 'api' }, work),
    ];
  });

  afterAll(async () => {
    await Promise.all((worlds ?? []).map((world) => world.close()));
    await database?.drop();
  });

  chaos(
    'see each event once and in order',
    async (chance) => {
      const cutter = await Cutter.open(chance, await Promise.all(worlds.map((world) => world.url())));
      const [world] = worlds;
      script.run = async ({ operationId, attempt }) => {
        const log = world.app.get(OperationLog);
        for (let n = 1; cutter.cuts < CUTS; n += 1) {
          const event = progressed({ percent: n % 100, message: 'x'.repeat(chance.between(1, 400)) });
          await log.write({ operationId, attempt, event });
          await delay(chance.between(0, 20));
        }
        cutter.stop();
        return {};
      };
      const { id } = await world.tx.run((em) =>
        world.operations.begin(em, ManyWork, { actor: TEST_ACTOR, orgId: null, graphId: null, payload: {} }),
      );
      const watchers = Array.from({ length: CLIENTS }, () => new Watcher(`${cutter.url}/v1/operations/${id}/stream`));
      try {
        const { lastSequence } = await world.ended(id, LONG ? 300_000 : 60_000);
        await Promise.all(watchers.map((watcher) => watcher.ended));
        const expected = Array.from({ length: lastSequence }, (_, n) => n + 1);
        for (const { seen } of watchers) expect(seen).toEqual(expected);
        expect(cutter.cuts).toBeGreaterThanOrEqual(CUTS);
      } finally {
        for (const watcher of watchers) watcher.close();
        await cutter.close();
      }
    },
    LONG ? 400_000 : 100_000,
  );
});

/** Passes connections on to one of several servers, and cuts each of them after some time or so many bytes. */
class Cutter {
  cuts = 0;
  private cutting = true;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly chance: Chance,
    private readonly targets: string[],
  ) {}

  static async open(chance: Chance, targets: string[]): Promise<Cutter> {
    const server = createServer();
    const cutter = new Cutter(server, chance, targets);
    server.on('connection', (client) => cutter.join(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return cutter;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Cuts no more; what is open stays so. */
  stop(): void {
    this.cutting = false;
  }

  async close(): Promise<void> {
    this.stop();
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const { hostname, port } = new URL(this.chance.sample(this.targets, 1)[0]);
    const server = connect(Number(port), hostname);
    let bytesLeft = this.chance.between(1, MOST_BYTES);
    const cut = (): void => {
      if (!this.cutting || client.destroyed) return;
      this.cuts += 1;
      client.destroy();
      server.destroy();
    };
    const timer = setTimeout(cut, this.chance.between(0, MOST_MS));
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        clearTimeout(timer);
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server);
    server.on('data', (chunk: Buffer) => {
      if (!this.cutting || chunk.length <= bytesLeft) {
        bytesLeft -= chunk.length;
        client.write(chunk);
        return;
      }
      // In the middle of a frame as a rule: what came of it before must not count.
      client.write(chunk.subarray(0, bytesLeft), cut);
    });
  }
}
