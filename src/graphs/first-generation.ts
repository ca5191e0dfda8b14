import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { GraphEngine } from '../engine/graph-engine';
import type { OperationContext } from '../jobs/operation-context';
import { definitionsOf } from '../schemas/schema-definitions';
import { GenerationsService } from './generations.service';
import { GraphsService } from './graphs.service';

export interface BuildOptions {
  also?: (em: EntityManager) => Promise<void>;
  /** What is reported when the build begins, and before it is published. */
  percents?: [number, number];
}

/** How a graph or a subgraph begins: with the tables of its schema, without rows. */
@Injectable()
export class FirstGeneration {
  constructor(
    private readonly graphs: GraphsService,
    private readonly generations: GenerationsService,
    private readonly engine: GraphEngine,
  ) {}

  /** Builds and publishes it; gives what the operation answers. `also` is written in the transaction that publishes it. */
  async build(ctx: OperationContext, { also, percents = [10, 90] }: BuildOptions = {}): Promise<object> {
    const graphId = ctx.graphId!;
    const { schema } = await this.graphs.get(graphId);
    ctx.progress(percents[0], 'Creating the database');
    const build = await this.generations.begin(ctx, graphId);
    const manifest = await this.engine.build(
      { target: build, definitions: definitionsOf(schema), loads: [] },
      { signal: ctx.signal },
    );
    ctx.progress(percents[1], 'Publishing');
    const result = { graph_id: graphId, generation: build.generation };
    await this.generations.publish(ctx, build, manifest, async (em) => {
      await also?.(em);
      await ctx.keepResult(em, result);
    });
    return result;
  }
}
