import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Socket } from 'node:net';
import { Connection, Database } from '@ladybugdb/core';
import { FrameChannel, FrameType, PROTOCOL_VERSION, type Frame } from './frames';
import { runBuild } from './host-build';
import { runExport } from './host-export';
import { ExactStatements } from './exact-statements';
import { HostQuery } from './host-query';
import { isInterruption, type Lane, Lanes } from './lanes';
import {
  cleanMessage,
  HostFailure,
  type BuildMessage,
  type ExportedMessage,
  type ExportMessage,
  type FailureMessage,
  type OpenMessage,
  type ProgressMessage,
  type QueryMessage,
} from './messages';
import { UnusableParameter } from './parameters';
import { readTableTypes } from './table-types';
import type { TableTypes } from '../value-types';

/** What is not a query waits for a free connection like one. */
const LANE_WAIT_MS = 60_000;

/** The life of a host: open, then queries or one build, then close. */
export class HostSession {
  private readonly channel: FrameChannel;
  private readonly queries = new Map<number, HostQuery>();
  private database: Database | undefined;
  private lanes: Lanes | undefined;
  private open: OpenMessage | undefined;
  private tables: Promise<TableTypes> | undefined;
  private closed = false;
  private readonly exact = new ExactStatements();

  constructor(private readonly socket: Socket) {
    this.channel = new FrameChannel(socket, (frame) => this.receive(frame));
  }

  /**
   * The platform is gone, so nothing here is worth waiting for. An ordinary exit would wait for the running query, which
   * may never end. (The first process of a sandbox cannot kill itself; there the kernel does it with the platform's end.)
   */
  die(): void {
    if (this.closed) return;
    process.kill(process.pid, 'SIGKILL');
  }

  private receive({ type, stream, payload }: Frame): void {
    switch (type) {
      case FrameType.Open:
        return this.answer(stream, 'graph_unreadable', () => this.openFile(json<OpenMessage>(payload)));
      case FrameType.Query:
        return this.answer(stream, 'query_invalid', () => this.query(stream, json<QueryMessage>(payload)));
      case FrameType.Build:
        return this.answer(stream, 'load_failed', () =>
          this.build(stream, json<BuildMessage | ExportMessage>(payload)),
        );
      case FrameType.Credit:
        return this.queries.get(stream)?.addCredit(payload.readUInt32BE(0));
      case FrameType.Cancel:
        return this.queries.get(stream)?.cancel();
      case FrameType.Close:
        return this.answer(stream, 'load_failed', () => this.close());
      default:
        // A newer platform may send hints that this host does not know.
        return;
    }
  }

  private answer(stream: number, otherwise: FailureMessage['code'], work: () => Promise<void>): void {
    work().catch((error: unknown) => this.channel.sendJson(FrameType.Failure, stream, this.describe(error, otherwise)));
  }

  private async openFile(open: OpenMessage): Promise<void> {
    if (open.protocol !== PROTOCOL_VERSION) {
      throw new HostFailure('protocol_mismatch', `This host speaks version ${PROTOCOL_VERSION}`);
    }
    this.open = open;
    const reading = open.mode === 'read';
    // The engine would take an empty file for a new database.
    if (reading && statSync(open.file).size === 0) throw new HostFailure('graph_unreadable', 'The file is empty');
    const merging = open.mode === 'build';
    this.database = new Database(open.file, open.bufferPoolBytes, true, reading, open.maxDatabaseBytes, merging);
    await this.database.init();
    const database = this.database;
    this.lanes = await Lanes.open(open.connections, () => new Connection(database, open.threads));
    if (open.mode === 'append') await this.keepLog(this.lanes);
    this.channel.sendJson(FrameType.Hello, 0, {
      protocol: PROTOCOL_VERSION,
      engine: 'ladybug',
      engineVersion: Database.getVersion(),
      storageVersion: Number(Database.getStorageVersion()),
    });
    if (reading) void this.warmUp(this.lanes);
  }

  /** The first statement of a process takes 15 ms longer than others; whoever opens a graph ahead does not wait for that. */
  private async warmUp(lanes: Lanes): Promise<void> {
    // A failure is of no interest: the first query will meet it as well.
    await lanes.use('', LANE_WAIT_MS, (lane) => lane.run('RETURN 1')).catch(() => undefined);
  }

  private async query(stream: number, message: QueryMessage): Promise<void> {
    if (!this.lanes || this.open?.mode !== 'read') throw new HostFailure('query_invalid', 'No graph is open');
    const lanes = this.lanes;
    const query = new HostQuery(stream, message, this.channel, this.exact, () => this.tableTypes(lanes));
    this.queries.set(stream, query);
    try {
      await query.run(lanes);
    } finally {
      this.queries.delete(stream);
    }
  }

  /** The file does not change while it is open, so once is enough; a failed try is not kept. */
  private tableTypes(lanes: Lanes): Promise<TableTypes> {
    this.tables ??= lanes
      .use('', LANE_WAIT_MS, (lane: Lane) => readTableTypes(lane))
      .catch((error: unknown) => {
        this.tables = undefined;
        throw error;
      });
    return this.tables;
  }

  private async build(stream: number, message: BuildMessage | ExportMessage): Promise<void> {
    const report = (progress: ProgressMessage): void => this.channel.sendJson(FrameType.Progress, stream, progress);
    if ('exports' in message) {
      if (!this.lanes || this.open?.mode !== 'read') throw new HostFailure('load_failed', 'No graph is open');
      const work = (lane: Lane): Promise<number[]> => runExport(lane, message.exports, report);
      const rows = await this.lanes.use('', LANE_WAIT_MS, work);
      return this.channel.sendJson(FrameType.End, stream, { rows } satisfies ExportedMessage);
    }
    if (!this.lanes || this.open === undefined || this.open.mode === 'read')
      throw new HostFailure('load_failed', 'No file is open for building');
    const append = this.open.mode === 'append';
    await this.lanes.use('', LANE_WAIT_MS, (lane) => runBuild(lane.connection, message, append, report));
    this.channel.sendJson(FrameType.End, stream, {});
  }

  /** Closing would merge the log into the database file, which is not ours alone. */
  private keepLog(lanes: Lanes): Promise<void> {
    return lanes.use('', LANE_WAIT_MS, async (lane) => {
      await lane.connection.query('CALL force_checkpoint_on_close=false');
    });
  }

  private async close(): Promise<void> {
    await this.lanes?.close();
    await this.database?.close();
    this.closed = true;
    this.socket.end(() => process.exit(0));
  }

  private describe(error: unknown, otherwise: FailureMessage['code']): FailureMessage {
    const folders = [this.open ? dirname(this.open.file) : '', process.cwd()].filter((path) => path.length > 1);
    const text = cleanMessage(error instanceof Error ? error.message : String(error), folders);
    if (error instanceof HostFailure) return { code: error.code, message: text };
    if (error instanceof UnusableParameter) return { code: 'query_invalid', message: text };
    if (isInterruption(error)) return { code: 'query_timeout', message: '' };
    if (/Buffer manager exception|bad_alloc|Unable to allocate/i.test(text))
      return { code: 'query_out_of_memory', message: '' };
    if (/No space left|Disk quota|ENOSPC/i.test(text)) return { code: 'storage_full', message: '' };
    return { code: otherwise, message: text };
  }
}

function json<T>(payload: Buffer): T {
  return JSON.parse(payload.toString('utf8')) as T;
}
