import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** The pool that operations work through, by its application name. The queue and LISTEN have connections of their own. */
const WORK_POOL = 'graphstead';
const SSL_REQUEST = 80_877_103;

/** What becomes of a statement: it is passed on, or its sender is killed before it arrives, or before its answer does. */
export type Verdict = 'pass' | 'kill_before' | 'kill_after';

/**
 * Stands between a process and Postgres, and sees each statement of its work pool. Stopping a process there stops it at
 * a step that is known, without a word in the code that runs: the statement has not been executed, or it has been, its
 * commit too, and nobody was told.
 */
export class StatementProxy {
  /** Asked at each statement; the sender is to be dead when `kill` resolves. */
  judge: (sql: string) => Verdict = () => 'pass';
  kill: () => Promise<void> = () => Promise.resolve();
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  /** For a cluster that listens at a unix socket, as the one of the tests does. */
  static async open(databaseUrl: string): Promise<StatementProxy> {
    const server = createServer();
    const proxy = new StatementProxy(server, new URL(databaseUrl));
    server.on('connection', (client) => proxy.join(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** The same database, through the proxy. */
  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `postgres://postgres@127.0.0.1:${port}${this.target.pathname}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const upstream = connect(join(this.target.searchParams.get('host')!, `.s.PGSQL.${this.target.port}`));
    const sender = new Sender();
    /** A statement whose answer is never to be heard is on its way. */
    let deaf = false;
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      for (const { bytes, sql } of sender.take(chunk)) {
        const verdict = sql === null || deaf ? 'pass' : this.judge(sql);
        if (verdict === 'kill_before') {
          client.pause();
          return void this.kill();
        }
        deaf ||= verdict === 'kill_after';
        upstream.write(bytes);
      }
    });
    upstream.on('data', (chunk: Buffer) => {
      // The answer says that the statement was executed; its sender dies without having heard it.
      if (!deaf) client.write(chunk);
      else void this.kill();
    });
  }
}

interface Piece {
  bytes: Buffer;
  /** The text of the statement that this piece asks to execute, in a connection of the work pool. */
  sql: string | null;
}

/** Cuts what a client sends into its start and then one piece for each statement (protocol 3.0). */
class Sender {
  private rest = Buffer.alloc(0);
  private started = false;
  private works = false;
  private sql = '';
  private piece: Buffer[] = [];

  *take(chunk: Buffer): Generator<Piece> {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const head = this.started ? 1 : 0;
      if (this.rest.length < head + 4) return;
      const length = head + this.rest.readInt32BE(head);
      if (this.rest.length < length) return;
      const message = this.rest.subarray(0, length);
      this.rest = this.rest.subarray(length);
      if (this.started) yield* this.message(message);
      else yield this.start(message);
    }
  }

  private start(message: Buffer): Piece {
    this.started = message.readInt32BE(4) !== SSL_REQUEST;
    const words = message.subarray(8).toString().split('\0');
    this.works = words[words.indexOf('application_name') + 1] === WORK_POOL;
    return { bytes: message, sql: null };
  }

  /** `Q` is a statement; `P` (parse) names one, which `S` (sync) ends together with what belongs to it. */
  private *message(message: Buffer): Generator<Piece> {
    const type = String.fromCharCode(message[0]);
    if (type === 'Q') this.sql = message.subarray(5, -1).toString();
    if (type === 'P') this.sql = message.subarray(5).toString().split('\0')[1];
    this.piece.push(message);
    if (!'QSX'.includes(type)) return;
    const bytes = Buffer.concat(this.piece);
    this.piece = [];
    yield { bytes, sql: this.works && type !== 'X' ? this.sql : null };
  }
}
