import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import {
  type PostgresBinaries,
  postgresBinaries,
  type PostgresUser,
  postgresUser,
  runPostgresProgram,
} from './postgres-binaries';

/** Advisory lock that says "a platform is alive on this cluster"; held by a session, so it ends with its process. */
const OWNER_LOCK = 7_283_410;
/** Longest path of a unix socket is 107 bytes on Linux and 103 on macOS; the file name takes 16 of them. */
const SOCKET_DIRECTORY_MAX = 80;
const DATABASE = 'graphstead';
const RESTART_MS = 500;

/** Another process of the platform runs on the same data directory. */
export class DataDirectoryInUse extends Error {
  constructor(directory: string) {
    super(`Another Graphstead runs on ${directory}. Stop it first, or give this one a DATA_DIR of its own.`);
  }
}

/**
 * A Postgres of our own below the data directory, reached by a unix socket only. It runs in a session of its own, so that
 * Ctrl-C reaches the platform alone, which stops it last. A cluster that a crashed platform left running is taken over.
 */
export class EmbeddedPostgres {
  private readonly logger = new Logger(EmbeddedPostgres.name);
  private owner?: Client;
  private stopping = false;
  private reopening?: Promise<void>;

  private constructor(
    private readonly directory: string,
    private readonly socketDirectory: string,
    private readonly settings: Record<string, string>,
    private readonly binaries: PostgresBinaries,
    private readonly user: PostgresUser | undefined,
    private readonly onTakenOver: (error: DataDirectoryInUse) => void,
  ) {}

  /**
   * Makes the cluster if there is none, starts it if it does not run, and becomes its one owner. `onTakenOver` hears when
   * another platform became the owner while this one had lost its connection: this one must then end.
   */
  static async start(
    directory: string,
    settings: Record<string, string> = {},
    onTakenOver: (error: DataDirectoryInUse) => void = () => {},
  ): Promise<EmbeddedPostgres> {
    const user = await postgresUser();
    const root = resolve(directory);
    const cluster = new EmbeddedPostgres(
      root,
      socketDirectoryOf(root),
      settings,
      await postgresBinaries(),
      user,
      onTakenOver,
    );
    await cluster.initialise();
    await cluster.open();
    await cluster.createDatabase();
    return cluster;
  }

  /** Connection URL of the platform's database, or of another database of the same cluster. */
  url(database = DATABASE): string {
    return `postgres://postgres@localhost:5432/${database}?host=${encodeURIComponent(this.socketDirectory)}`;
  }

  /** Ends every session and stops the cluster; resolves when it is down. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.reopening;
    await this.owner?.end();
    await this.pgCtl('stop', '-m', 'fast', '-w', '-t', '60');
  }

  private get dataDirectory(): string {
    return join(this.directory, 'data');
  }

  private async initialise(): Promise<void> {
    if (await exists(join(this.dataDirectory, 'PG_VERSION'))) return;
    await this.makeDirectory(this.directory);
    // Made beside its place and moved there, so that a half-made cluster is never taken for a whole one.
    const fresh = join(this.directory, `new-${process.pid}`);
    await rm(fresh, { recursive: true, force: true });
    await runPostgresProgram(
      this.binaries.initdb,
      [`--pgdata=${fresh}`, '--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C'],
      this.user,
    );
    await rename(fresh, this.dataDirectory).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      await rm(fresh, { recursive: true, force: true });
    });
  }

  /** Connects; starts the cluster where nobody answers. */
  private async open(): Promise<void> {
    await this.makeDirectory(this.socketDirectory);
    try {
      await this.own();
      this.logger.log('Took over the Postgres that an earlier run left behind');
    } catch (error) {
      if (error instanceof DataDirectoryInUse) throw error;
      await this.launch();
      await this.own();
    }
  }

  private async launch(): Promise<void> {
    const settings = {
      listen_addresses: '',
      unix_socket_directories: this.socketDirectory,
      unix_socket_permissions: '0700',
      port: '5432',
      max_connections: '200',
      // Processes that a small cluster does not need: workers for asynchronous reads, and for replication.
      io_method: 'sync',
      max_logical_replication_workers: '0',
      ...this.settings,
    };
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
    const log = join(this.directory, 'postgres.log');
    try {
      await this.pgCtl('start', '-w', '-t', '60', '-l', log, '-o', options.join(' '));
    } catch (error) {
      const tail = await readFile(log, 'utf8').then(
        (text) => text.trim().split('\n').slice(-3).join('\n'),
        () => 'no log was written',
      );
      throw new Error(`The embedded Postgres did not start:\n${tail}`, { cause: error });
    }
  }

  private async own(): Promise<void> {
    const client = new Client({
      connectionString: this.url('postgres'),
      application_name: 'graphstead-owner',
      keepAlive: true,
    });
    client.on('error', () => this.lost(client));
    client.on('end', () => this.lost(client));
    await client.connect();
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [OWNER_LOCK]);
    if (!rows[0].got) {
      await client.end();
      throw new DataDirectoryInUse(this.directory);
    }
    this.owner = client;
  }

  /** The cluster died under us (killed, out of memory): start it again; everybody's pools connect anew by themselves. */
  private lost(client: Client): void {
    if (this.stopping || this.owner !== client) return;
    this.owner = undefined;
    this.logger.error('The embedded Postgres stopped; starting it again');
    this.reopening = this.reopen();
  }

  private async reopen(): Promise<void> {
    while (!this.stopping) {
      try {
        await this.open();
        return;
      } catch (error) {
        this.logger.error((error as Error).message);
        if (error instanceof DataDirectoryInUse) return this.onTakenOver(error);
        await delay(RESTART_MS);
      }
    }
  }

  private async createDatabase(): Promise<void> {
    const { rowCount } = await this.owner!.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await this.owner!.query(`create database ${DATABASE}`);
  }

  private async makeDirectory(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    if (this.user !== undefined) await chown(directory, this.user.uid, this.user.gid);
  }

  private async pgCtl(command: string, ...args: string[]): Promise<void> {
    await runPostgresProgram(this.binaries.pgCtl, [command, '-D', this.dataDirectory, ...args], this.user);
  }
}

/** Inside the directory where its path is short enough for a socket, else in the directory for temporary files. */
function socketDirectoryOf(directory: string): string {
  const inside = join(directory, 'socket');
  if (Buffer.byteLength(inside) <= SOCKET_DIRECTORY_MAX) return inside;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(tmpdir(), `graphstead-${hash}`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
