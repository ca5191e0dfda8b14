import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';
import { Notifications } from '../database/notifications';
import { type GenerationRef, GraphEngine } from '../engine/graph-engine';
import { OperationsService } from '../operations/operations.service';
import { GenerationsService, GRAPH_CHANGED } from './generations.service';
import { notUsable } from './graphs.errors';
import { GraphsConfig } from './graphs.config';
import { GraphsService } from './graphs.service';

const MAX_REMEMBERED = 10_000;

/**
 * Which generation each graph's queries read. Remembered until Postgres says that the graph changed; then the old
 * generation's host is closed as soon as its running queries ended.
 */
@Injectable()
export class LiveGraphs implements OnModuleInit {
  private readonly logger = new Logger(LiveGraphs.name);
  private readonly remembered = new Map<string, GenerationRef>();
  /** Grows with every change heard of, so that a look-up overtaken by a change is not remembered. */
  private changes = 0;

  constructor(
    private readonly generations: GenerationsService,
    private readonly graphs: GraphsService,
    private readonly engine: GraphEngine,
    private readonly operations: OperationsService,
    private readonly notifications: Notifications,
    private readonly config: GraphsConfig,
    private readonly platform: PlatformConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!this.platform.has('engine')) return;
    (await this.notifications.listen(GRAPH_CHANGED)).subscribe((graphId) => this.forget(graphId));
    // Whoever has heard of the end of a load asks for what it loaded, also where Postgres is late with its news.
    this.operations.endsFound.subscribe((graphId) => this.forget(graphId));
    // What happened while nobody listened is unknown: look everything up again.
    this.notifications.reconnected.subscribe(() =>
      [...this.remembered.keys()].forEach((graphId) => this.forget(graphId)),
    );
  }

  /** The live generation of a graph. Throws {@link GraphNotReady} before the first one, and while it is removed. */
  async resolve(graphId: string): Promise<GenerationRef> {
    const known = this.remembered.get(graphId);
    if (known !== undefined) return known;
    const before = this.changes;
    const live = await this.generations.live(graphId);
    if (live === null) throw notUsable(graphId, (await this.graphs.get(graphId)).status);
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    // A process that does not listen for changes asks each time.
    if (before === this.changes && this.platform.has('engine')) this.remembered.set(graphId, live);
    return live;
  }

  /** The graph changed: it is looked up again. Whoever changed it in this process need not wait until Postgres says so. */
  forget(graphId: string): void {
    this.changes += 1;
    const old = this.remembered.get(graphId);
    if (old === undefined) return;
    this.remembered.delete(graphId);
    void this.retire(old).catch((error: Error) =>
      this.logger.error(`Closing generation ${old.generation} of ${graphId}`, error.stack),
    );
  }

  /** Closes the host unless the generation is still the live one (a lost connection forgets more than has changed). */
  private async retire(old: GenerationRef): Promise<void> {
    const live = await this.generations.live(old.graphId);
    if (live?.generation !== old.generation) await this.engine.release(old, this.config.drainSeconds * 1_000);
  }
}
