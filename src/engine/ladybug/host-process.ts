import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import { killGroup } from '../../common/process-group';
import {
  EngineLost,
  LoaderOutOfMemory,
  QueryInvalid,
  QueryKilled,
  QueryOutOfMemory,
  QueryTimeout,
} from '../engine.errors';
import type { QueryRequest } from '../graph-engine';
import { buildFailureOf, failureOf, HostGone } from './failures';
import { FrameChannel, FrameType, PROTOCOL_VERSION, type Frame } from './frames';
import type {
  BuildMessage,
  ExportedMessage,
  ExportMessage,
  FailureMessage,
  HelloMessage,
  OpenMessage,
  ProgressMessage,
} from './messages';
import { UnusableParameter } from './parameters';
import { cpuSeconds, residentBytes } from './process-memory';
import { RemoteQuery } from './remote-query';
import { spawnHost, type HostOptions } from './spawn-host';

/** The engine's own timeout comes first; a host that has not answered so much later is ended. */
const KILL_AFTER_TIMEOUT_MS = 1_000;
/** An abandoned query may end by itself for so long; then its host is ended, if nobody else uses it. */
const KILL_AFTER_ABANDON_MS = 1_500;
const MEMORY_WATCH_MS = 200;
const KEPT_STDERR = 4_096;
/** Looking at a process costs as much as a small query. */
const WEAR_LOOK_MS = 500;

interface RemoteBuild {
  progress: (progress: ProgressMessage) => void;
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

type Verdict = { why: 'crash' | 'closed' | 'timeout' | 'memory' | 'abandoned'; culprit?: RemoteQuery };

/** The platform's side of one host process: starts it, speaks the protocol, watches over it, ends it. */
export class HostProcess {
  readonly startedAt = Date.now();
  engineVersion = '';
  storageVersion = 0;
  /** Resolves once the process and everything below it is gone. Never rejects. */
  readonly ended: Promise<void>;
  private readonly logger = new Logger('EngineHost');
  /** The last words of the process, for the log. */
  private stderr = '';
  private readonly channel: FrameChannel;
  private readonly queries = new Map<number, RemoteQuery>();
  private currentBuild: RemoteBuild | undefined;
  private lastStream = 0;
  private verdict: Verdict | undefined;
  private alive = true;
  private watch: NodeJS.Timeout | undefined;
  private lookedAt = -Infinity;
  private onHello: ((hello: HelloMessage) => void) | undefined;
  private onOpenFailure: ((error: Error) => void) | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: HostOptions,
  ) {
    const socket = child.stdio[3] as Duplex;
    this.channel = new FrameChannel(socket, (frame) => this.receive(frame));
    // A host that died mid-write; its end is what counts, and that is reported by the process.
    socket.on('error', () => this.kill({ why: 'crash' }));
    socket.on('end', () => this.kill({ why: 'crash' }));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString('utf8')).slice(-KEPT_STDERR);
    });
    this.ended = new Promise((resolve) => {
      child.on('error', () => resolve());
      child.on('close', () => resolve());
    });
    void this.ended.then(() => this.bury());
    const { scratch } = options;
    if (scratch !== undefined) void this.ended.then(() => rm(scratch, { recursive: true, force: true }));
  }

  /** Starts a process and opens the file. Throws {@link GraphUnreadable} or {@link EngineLost}. */
  static start(options: HostOptions): Promise<HostProcess> {
    return HostProcess.spawn(options).open();
  }

  /** Starts a process, so that it is there when there will be a file to {@link open}. Whoever does not open it ends it. */
  static spawn(options: HostOptions): HostProcess {
    return new HostProcess(spawnHost(options), options);
  }

  /** Opens the file. Throws {@link GraphUnreadable} or {@link EngineLost}, and then the process is gone. */
  async open(): Promise<HostProcess> {
    try {
      await this.hello();
      return this;
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Ends a process that nobody needs any more. */
  async discard(): Promise<void> {
    this.kill({ why: 'closed' });
    await this.ended;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Queries that the host still works on, abandoned ones included. */
  get running(): number {
    return this.queries.size;
  }

  memoryBytes(): number | null {
    return this.alive && this.child.pid !== undefined ? residentBytes(this.child.pid) : null;
  }

  /**
   * Whether it has used half of its memory or CPU time, and had better be replaced: the engine does not give memory
   * back. Looks at most every half second, and says no in between.
   */
  worn(): boolean {
    const { pid } = this.child;
    const now = performance.now();
    if (!this.alive || pid === undefined || now - this.lookedAt < WEAR_LOOK_MS) return false;
    this.lookedAt = now;
    const { memoryBytes, limits } = this.options;
    return (residentBytes(pid) ?? 0) > memoryBytes / 2 || (cpuSeconds(pid) ?? 0) > limits.cpuSeconds / 2;
  }

  /** Begins a query; `ready` and `settled` of what is returned tell how it goes. Throws {@link QueryInvalid}. */
  query(request: QueryRequest, signal?: AbortSignal): RemoteQuery {
    const query = new RemoteQuery((this.lastStream += 1), request, this.channel, this.options.scratch);
    if (!this.alive) {
      query.fail(new HostGone());
      return query;
    }
    try {
      query.start();
    } catch (error) {
      query.fail(error instanceof UnusableParameter ? new QueryInvalid(error.message) : (error as Error));
      return query;
    }
    this.queries.set(query.id, query);
    let abandonTimer: NodeJS.Timeout | undefined;
    const deadline = setTimeout(() => {
      if (query.executing) this.kill({ why: 'timeout', culprit: query });
    }, request.timeoutMs + KILL_AFTER_TIMEOUT_MS);
    const abandon = (): void => {
      query.abandon(signal?.reason);
      const forced = signal?.reason instanceof QueryKilled;
      abandonTimer = setInterval(() => this.killIfAbandoned(forced), KILL_AFTER_ABANDON_MS);
    };
    signal?.addEventListener('abort', abandon, { once: true });
    if (signal?.aborted) abandon();
    this.watchMemory();
    void query.settled.then(() => {
      clearTimeout(deadline);
      clearInterval(abandonTimer);
      signal?.removeEventListener('abort', abandon);
      this.queries.delete(query.id);
      query.tidy().catch((error: Error) => this.logger.warn(`A file of a query stays: ${error.message}`));
    });
    return query;
  }

  /** Runs a build to its end. Throws `LoadFailed` and others of `engine.errors.ts`. */
  async build(message: BuildMessage, onProgress: (progress: ProgressMessage) => void): Promise<void> {
    await this.longWork(message, onProgress);
  }

  /** The same for an export; the numbers of rows. */
  async export(message: ExportMessage, onProgress: (progress: ProgressMessage) => void): Promise<number[]> {
    return ((await this.longWork(message, onProgress)) as ExportedMessage).rows;
  }

  private async longWork(
    message: BuildMessage | ExportMessage,
    onProgress: (progress: ProgressMessage) => void,
  ): Promise<unknown> {
    if (!this.alive) throw new EngineLost('the build');
    const done = new Promise<unknown>((resolve, reject) => {
      this.currentBuild = { progress: onProgress, resolve, reject };
    });
    this.watchMemory();
    this.channel.sendJson(FrameType.Build, (this.lastStream += 1), message);
    try {
      return await done;
    } finally {
      this.currentBuild = undefined;
    }
  }

  /** Asks the host to close its file and waits for its end; a host that does not follow within `withinMs` is killed. */
  async close(withinMs = 2_000): Promise<void> {
    this.verdict ??= { why: 'closed' };
    this.channel.send(FrameType.Close, 0, Buffer.alloc(0));
    const timer = setTimeout(() => this.kill({ why: 'closed' }), withinMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends the process at once. What it was working on fails by the verdict. */
  kill(verdict: Verdict): void {
    if (!this.alive) return;
    this.verdict ??= verdict;
    killGroup(this.child);
  }

  private async hello(): Promise<void> {
    if (!this.alive) throw new EngineLost('opening the graph');
    const answered = new Promise<HelloMessage>((resolve, reject) => {
      this.onHello = resolve;
      this.onOpenFailure = reject;
    });
    const timer = setTimeout(() => this.onOpenFailure?.(new EngineLost('opening the graph')), this.options.startMs);
    this.channel.sendJson(FrameType.Open, 0, {
      protocol: PROTOCOL_VERSION,
      ...this.options.open,
    } satisfies OpenMessage);
    try {
      ({ engineVersion: this.engineVersion, storageVersion: this.storageVersion } = await answered);
    } finally {
      clearTimeout(timer);
    }
  }

  private receive(frame: Frame): void {
    if (frame.type === FrameType.Hello) return this.onHello?.(parse(frame) as HelloMessage);
    if (frame.stream === 0) {
      if (frame.type === FrameType.Failure) this.onOpenFailure?.(failureOf(parse(frame) as FailureMessage));
      return;
    }
    const build = this.currentBuild;
    if (build) {
      if (frame.type === FrameType.Progress) build.progress(parse(frame) as ProgressMessage);
      else if (frame.type === FrameType.End) build.resolve(parse(frame));
      else if (frame.type === FrameType.Failure) build.reject(buildFailureOf(parse(frame) as FailureMessage));
      return;
    }
    this.queries.get(frame.stream)?.receive(frame);
  }

  /** `forced`: also takes those down that have not begun to answer, since they can be run again. */
  private killIfAbandoned(forced: boolean): void {
    const queries = [...this.queries.values()];
    const ended = queries.every((query) => query.abandoned || (forced && query.executing));
    if (queries.length > 0 && ended) this.kill({ why: 'abandoned' });
  }

  /** Looks at the memory while there is work, and only then. */
  private watchMemory(): void {
    this.watch ??= setInterval(() => {
      if (!this.alive || (this.queries.size === 0 && !this.currentBuild)) {
        clearInterval(this.watch);
        this.watch = undefined;
      } else if ((this.memoryBytes() ?? 0) > this.options.memoryBytes) {
        this.kill({ why: 'memory', culprit: this.longestExecuting() });
      }
    }, MEMORY_WATCH_MS);
    this.watch.unref();
  }

  /** Queries are kept in the order of their start. */
  private longestExecuting(): RemoteQuery | undefined {
    return [...this.queries.values()].find((query) => query.executing);
  }

  /** Tells everybody who waited for this process. What it had not answered may be run again, the newest first. */
  private bury(): void {
    this.alive = false;
    clearInterval(this.watch);
    const verdict = this.verdict ?? { why: 'crash' as const };
    if (verdict.why !== 'closed') {
      this.logger.warn(`Host ${this.child.pid} ended (${verdict.why}) ${this.stderr.trim()}`.trim());
    }
    this.onOpenFailure?.(new EngineLost('opening the graph'));
    this.currentBuild?.reject(verdict.why === 'memory' ? new LoaderOutOfMemory() : new EngineLost('the build'));
    const executing = [...this.queries.values()].filter((query) => query.executing).length;
    for (const query of [...this.queries.values()].reverse()) query.fail(this.causeFor(query, verdict, executing));
  }

  private causeFor(query: RemoteQuery, { why, culprit }: Verdict, executing: number): Error {
    if (query === culprit && why === 'timeout') return new QueryTimeout(query.request.timeoutMs);
    if (query === culprit && why === 'memory') return new QueryOutOfMemory();
    return query.executing ? new HostGone(why === 'crash' && executing === 1) : new EngineLost();
  }
}

function parse({ payload }: Frame): unknown {
  return JSON.parse(payload.toString('utf8'));
}
