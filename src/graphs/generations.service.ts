import { rm } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { PlatformConfig } from '../config/platform.config';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import { type GenerationManifest, type GenerationRef, GraphEngine } from '../engine/graph-engine';
import { StaleAttemptError } from '../operations/operations.errors';
import { Generation } from './graph.entity';
import { PublishConflict } from './graphs.errors';

/** Sent with the graph's id whenever another generation went live, or the graph went away. */
export const GRAPH_CHANGED = 'graph_changed';

/** The part of an operation's context that building needs; `transaction` refuses to write for an old attempt. */
export interface BuildContext {
  operationId: string;
  attempt: number;
  transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
}

/** A generation that is being built beside the live one. */
export interface Build extends GenerationRef {
  /** What was live when the build began, which publishing compares with; the base of builds that change some of it. */
  live: GenerationRef | null;
}

/**
 * The life of generations: a number and a directory to build in, one compare-and-set that makes it live, and the
 * removal of what nobody needs. A crash at any point leaves the live generation as it was.
 */
@Injectable()
export class GenerationsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly notifications: Notifications,
    private readonly engine: GraphEngine,
    private readonly config: PlatformConfig,
  ) {}

  /** Reserves the next number for the running attempt. */
  begin(ctx: BuildContext, graphId: string): Promise<Build> {
    return ctx.transaction(async (em) => {
      const [rows] = await em.query<[{ last_generation: number; live_generation: number | null }[]]>(
        'update graph set last_generation = last_generation + 1 where id = $1 returning last_generation, live_generation',
        [graphId],
      );
      const { last_generation: number, live_generation: live } = rows[0];
      await em.query(
        `insert into generation (graph_id, number, status, operation_id, attempt) values ($1, $2, 'building', $3, $4)`,
        [graphId, number, ctx.operationId, ctx.attempt],
      );
      return { ...this.ref(graphId, number), live: live === null ? null : this.ref(graphId, live) };
    });
  }

  /**
   * Makes a finished build live, together with whatever else `alongside` writes. Throws {@link PublishConflict}, or that
   * the attempt is over; the build is removed then.
   */
  async publish(
    ctx: BuildContext,
    build: Build,
    manifest: GenerationManifest,
    alongside: (em: EntityManager) => Promise<void>,
  ): Promise<void> {
    try {
      await this.makeLive(ctx, build, manifest, alongside);
    } catch (error) {
      // Refused for certain, and the sensor may have looked already. After anything else it may be live.
      if (error instanceof StaleAttemptError || error instanceof PublishConflict) await this.discard(build);
      throw error;
    }
  }

  private makeLive(
    ctx: BuildContext,
    build: Build,
    manifest: GenerationManifest,
    alongside: (em: EntityManager) => Promise<void>,
  ): Promise<void> {
    return ctx.transaction(async (em) => {
      const [, changed] = await em.query<[unknown, number]>(
        `update graph set live_generation = $2, status = 'active', updated_at = now()
         where id = $1 and live_generation is not distinct from $3 and status in ('provisioning', 'active')`,
        [build.graphId, build.generation, build.live?.generation ?? null],
      );
      if (changed !== 1) throw new PublishConflict(build.graphId);
      await em.query(
        `update generation set status = 'retired', retired_at = now() where graph_id = $1 and status = 'live'`,
        [build.graphId],
      );
      await em.query(
        `update generation set status = 'live', manifest = $3, published_at = now() where graph_id = $1 and number = $2`,
        [build.graphId, build.generation, JSON.stringify(manifest)],
      );
      await alongside(em);
      await this.notifications.notify(em, GRAPH_CHANGED, build.graphId);
    });
  }

  /** The generation that queries read now, or null. */
  async live(graphId: string): Promise<GenerationRef | null> {
    const rows = await this.transactor.em.query<{ live_generation: number | null }[]>(
      `select live_generation from graph where id = $1 and status = 'active'`,
      [graphId],
    );
    const number = rows[0]?.live_generation ?? null;
    return number === null ? null : this.ref(graphId, number);
  }

  /** The live generation's row with its manifest, or null. */
  liveRow(graphId: string): Promise<Generation | null> {
    return this.transactor.em.findOneBy(Generation, { graphId, status: 'live' });
  }

  /**
   * Removes the files of generations that were replaced long enough ago and of builds whose attempt is over. Safe in
   * many processes at once: removing twice does nothing. Returns how many it removed.
   */
  async collect(keepHours: number): Promise<number> {
    const rows = await this.transactor.em.query<{ graph_id: string; number: number; status: string }[]>(
      `select g.graph_id, g.number, g.status from generation g
       left join operation o on o.id = g.operation_id
       where (g.status = 'retired' and g.retired_at < now() - make_interval(hours => $1))
          or (g.status = 'building' and (o.id is null or o.status not in ('pending', 'running') or o.attempt <> g.attempt))
       limit 100`,
      [keepHours],
    );
    for (const row of rows) {
      await this.discard(this.ref(row.graph_id, row.number));
      await this.transactor.em.query(
        'update generation set status = $3 where graph_id = $1 and number = $2 and status = $4',
        [row.graph_id, row.number, row.status === 'building' ? 'abandoned' : 'collected', row.status],
      );
    }
    return rows.length;
  }

  /** Removes every file of a graph. */
  async dropAll(graphId: string): Promise<void> {
    const rows = await this.transactor.em.query<{ number: number }[]>(
      `select number from generation where graph_id = $1 and status not in ('collected', 'abandoned')`,
      [graphId],
    );
    for (const { number } of rows) await this.discard(this.ref(graphId, number));
    await rm(this.config.path('graphs', graphId), { recursive: true, force: true });
    await this.transactor.em.query(`update generation set status = 'collected' where graph_id = $1`, [graphId]);
  }

  private async discard(ref: GenerationRef): Promise<void> {
    await this.engine.release(ref, 0);
    await this.engine.drop(ref);
  }

  ref(graphId: string, generation: number): GenerationRef {
    return { graphId, generation, directory: this.config.path('graphs', graphId, String(generation)) };
  }
}
