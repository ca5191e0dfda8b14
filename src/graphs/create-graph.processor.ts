import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { GraphEngine } from '../engine/graph-engine';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { definitionsOf } from '../schemas/schema-definitions';
import { GenerationsService } from './generations.service';
import { GraphNotReady } from './graphs.errors';
import { CreateGraph, type GraphPayload } from './graphs.operations';
import { GraphsRepository } from './graphs.repository';
import { GraphsService } from './graphs.service';

/** Builds the first generation: the tables of the schema, without rows. */
@Injectable()
@HandlesOperation(CreateGraph)
export class CreateGraphProcessor extends OperationProcessor<typeof CreateGraph> {
  constructor(
    private readonly graphs: GraphsService,
    private readonly generations: GenerationsService,
    private readonly engine: GraphEngine,
    private readonly catalog: GraphsRepository,
  ) {
    super();
  }

  async run(_payload: GraphPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const { schema } = await this.graphs.get(graphId);
    ctx.progress(10, 'Creating the database');
    const build = await this.generations.begin(ctx, graphId);
    const manifest = await this.engine.build(
      { target: build, definitions: definitionsOf(schema), loads: [] },
      { signal: ctx.signal },
    );
    ctx.progress(90, 'Publishing');
    const result = { graph_id: graphId, generation: build.generation };
    await this.generations.publish(ctx, build, manifest, (em) => ctx.keepResult(em, result));
    return result;
  }

  /** A graph without a first generation is of no use: it stays in the list as failed, until it is deleted. */
  protected override async afterFailureOrCancel(
    em: EntityManager,
    _payload: GraphPayload,
    operation: Operation,
  ): Promise<void> {
    await this.catalog.setStatus(em, operation.graphId!, 'failed');
  }

  /** Refuses where the graph was deleted in the meantime. */
  protected override async beforeRetry(em: EntityManager, _payload: GraphPayload, retry: Operation): Promise<void> {
    const graphId = retry.graphId!;
    if (await this.catalog.reopenCreation(em, graphId)) return;
    throw new GraphNotReady(graphId, (await this.catalog.find(graphId, em))?.status ?? 'deleted');
  }
}
