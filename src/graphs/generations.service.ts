import { rm } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { PlatformConfig } from '../config/platform.config';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import { type GenerationManifest, type GenerationRef, GraphEngine } from '../engine/graph-engine';
import type { GraphSchema } from '../schemas/graph-schema';
import { StaleAttemptError } from '../operations/operations.errors';
import type { GenerationContents } from './generation-contents';
import { Generation } from './graph.entity';
import { NoPreviousGeneration, NotTheLiveGeneration, PublishConflict } from './graphs.errors';

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
 * way back. `GenerationCollector` removes what nobody needs. A crash at any point leaves the live generation as it was.
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
   * Makes a finished build live, together with whatever else `alongside` writes. Without `contents` it holds what the live
   * generation was made from. Throws {@link PublishConflict}, or that the attempt is over; the build is removed then.
   */
  async publish(
    ctx: BuildContext,
    build: Build,
    manifest: GenerationManifest,
    alongside: (em: EntityManager) => Promise<void>,
    contents?: GenerationContents,
  ): Promise<void> {
    try {
      await this.makeLive(ctx, build, manifest, alongside, contents);
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
    contents?: GenerationContents,
  ): Promise<void> {
    return ctx.transaction(async (em) => {
      const live = build.live?.generation ?? null;
      const [, changed] = await em.query<[unknown, number]>(
        `update graph set live_generation = $2, status = 'active', updated_at = now()
         where id = $1 and live_generation is not distinct from $3 and status in ('provisioning', 'active')`,
        [build.graphId, build.generation, live],
      );
      if (changed !== 1) throw new PublishConflict(build.graphId);
      await em.query(
        `update generation set status = 'retired', retired_at = now() where graph_id = $1 and status = 'live'`,
        [build.graphId],
      );
      await em.query(
        `update generation set status = 'live', manifest = $3, published_at = now(), previous = $4,
           files = coalesce($5, (select files from generation where graph_id = $1 and number = $4), '{}'),
           other_rows = coalesce($6, (select other_rows from generation where graph_id = $1 and number = $4), false),
           behind = case when $5::uuid[] is null
             then (select behind from generation where graph_id = $1 and number = $4) else $7 end,
           taken = case when $5::uuid[] is null
             then (select taken from generation where graph_id = $1 and number = $4) else $8::jsonb end
         where graph_id = $1 and number = $2`,
        [
          build.graphId,
          build.generation,
          JSON.stringify(manifest),
          live,
          contents?.files ?? null,
          contents?.otherRows ?? null,
          contents?.behind ?? null,
          contents?.taken ? JSON.stringify(contents.taken) : null,
        ],
      );
      await alongside(em);
      // Taking this generation back must also bring back the schema that fits.
      await em.query(
        'update generation set schema = (select schema from graph where id = $1) where graph_id = $1 and number = $2',
        [build.graphId, build.generation],
      );
      await this.notifications.notify(em, GRAPH_CHANGED, build.graphId);
    });
  }

  /**
   * Keeps the files of the live generation for as long as the running operation is not at its end, whatever is published
   * meanwhile. The generation with the schema that fits it; null before the first one.
   */
  pinLive(ctx: BuildContext, graphId: string): Promise<{ generation: Generation; schema: GraphSchema } | null> {
    return ctx.transaction(async (em) => {
      // Publishing takes this lock first, so that what is live stays so until this commits.
      const [graph] = await em.query<{ schema: GraphSchema }[]>('select schema from graph where id = $1 for update', [
        graphId,
      ]);
      const generation = await em.findOneBy(Generation, { graphId, status: 'live' });
      if (generation === null) return null;
      await em.query(
        `update generation set pinned_by = array(
           select id from operation where id = any(pinned_by) and status in ('pending', 'running') and id <> $3
         ) || $3::text where graph_id = $1 and number = $2`,
        [graphId, generation.number, ctx.operationId],
      );
      return { generation, schema: graph.schema };
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
   * Makes the generation before the live one live again, with the schema that it had; all of it is one compare-and-set.
   * `expected`: what the caller takes for live. Throws {@link NotTheLiveGeneration}, {@link NoPreviousGeneration}.
   */
  async takeBack(em: EntityManager, graphId: string, expected?: number): Promise<{ from: Generation; to: Generation }> {
    await em.query('select 1 from graph where id = $1 for update', [graphId]);
    const from = await em.findOneBy(Generation, { graphId, status: 'live' });
    if (from === null) throw new NoPreviousGeneration(expected ?? 0, 'the graph has no data yet');
    if (expected !== undefined && expected !== from.number) throw new NotTheLiveGeneration(expected, from.number);
    if (from.previous === null) throw new NoPreviousGeneration(from.number, 'there was none before it');
    await em.query(
      `update generation set status = 'retired', retired_at = now() where graph_id = $1 and number = $2 and status = 'live'`,
      [graphId, from.number],
    );
    const [, revived] = await em.query<[unknown, number]>(
      `update generation set status = 'live', retired_at = null where graph_id = $1 and number = $2 and status = 'retired'`,
      [graphId, from.previous],
    );
    if (revived !== 1) {
      throw new NoPreviousGeneration(
        from.number,
        `generation ${from.previous} is no longer kept (GENERATION_KEEP_HOURS)`,
      );
    }
    await em.query(
      `update graph set live_generation = $2, updated_at = now(),
         schema = coalesce((select schema from generation where graph_id = $1 and number = $2), schema)
       where id = $1`,
      [graphId, from.previous],
    );
    await this.notifications.notify(em, GRAPH_CHANGED, graphId);
    return { from, to: (await em.findOneBy(Generation, { graphId, number: from.previous }))! };
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

  /** Removes the files of a generation that nobody reads, and the process that has them open. */
  async discard(ref: GenerationRef): Promise<void> {
    await this.engine.release(ref, 0);
    await this.engine.drop(ref);
  }

  ref(graphId: string, generation: number): GenerationRef {
    return { graphId, generation, directory: this.config.path('graphs', graphId, String(generation)) };
  }
}
