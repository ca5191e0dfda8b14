import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { GraphEngine } from '../engine/graph-engine';
import { GenerationsService } from '../graphs/generations.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { toChangesDto } from './dto/schema-change.dto';
import { formerOnlyPairs, statementsOf } from './schema-changes';
import { SchemaMovedOn, SchemaVersionNotFound } from './schemas.errors';
import { ChangeSchema, type ChangeSchemaPayload } from './schemas.operations';
import { SchemasRepository } from './schemas.repository';
import { SchemasService } from './schemas.service';

/** A copy of the live data -> its tables changed -> published together with the schema that says so. */
@Injectable()
@HandlesOperation(ChangeSchema)
export class ChangeSchemaProcessor extends OperationProcessor<typeof ChangeSchema> {
  constructor(
    private readonly schemas: SchemasService,
    private readonly versions: SchemasRepository,
    private readonly generations: GenerationsService,
    private readonly engine: GraphEngine,
  ) {
    super();
  }

  async run({ version: number }: ChangeSchemaPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const version = await this.versions.find(graphId, number);
    if (version === null) throw new SchemaVersionNotFound(number);
    const effects = await this.schemas.effectsOn(graphId, version.schema);
    const before = await this.schemas.of(graphId);
    const result = { graph_id: graphId, version: number, changes: toChangesDto(version.changes), notes: effects.notes };
    const statements = statementsOf(version.changes);
    const apply = async (em: EntityManager, generation: number | null): Promise<void> => {
      await this.versions.apply(em, graphId, version, generation, effects.stale);
      for (const one of formerOnlyPairs(before, version.schema)) await this.versions.sayEnds(em, graphId, one);
      await ctx.keepResult(em, { ...result, generation });
    };
    if (statements.length === 0) {
      const standing = await this.schemas.contentsAfter(graphId, version.schema);
      await ctx.transaction(async (em) => {
        await this.versions.noteBehind(em, graphId, standing.contents);
        await apply(em, null);
      });
      return { ...result, generation: null };
    }
    ctx.progress(5, 'Copying the data', { currentStep: 1, totalSteps: 2 });
    const { contents, released } = await this.schemas.contentsAfter(graphId, version.schema);
    const build = await this.generations.begin(ctx, graphId);
    const manifest = await this.engine.build(
      { target: build, base: build.live ?? undefined, definitions: statements, loads: [] },
      { signal: ctx.signal },
    );
    ctx.progress(90, 'Publishing', { currentStep: 2, totalSteps: 2 });
    const write = async (em: EntityManager): Promise<void> => {
      await apply(em, build.generation);
      await this.versions.release(em, graphId, released);
    };
    await this.generations.publish(ctx, build, manifest, write, contents);
    return { ...result, generation: build.generation };
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { version }: ChangeSchemaPayload,
    operation: Operation,
  ): Promise<void> {
    await this.versions.move(em, operation.graphId!, version, 'pending', 'failed');
  }

  /** Refuses where the schema has moved on since: its statements would meet other tables. */
  protected override async beforeRetry(
    em: EntityManager,
    { version }: ChangeSchemaPayload,
    retry: Operation,
  ): Promise<void> {
    const graphId = retry.graphId!;
    const { number } = await this.versions.current(graphId, em);
    const failed = await this.versions.find(graphId, version);
    if (failed === null || failed.base !== number) throw new SchemaMovedOn();
    await this.versions.move(em, graphId, version, 'failed', 'pending');
  }
}
