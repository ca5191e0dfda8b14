import { json } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { contentsOf } from '../graphs/generation-contents';
import { notUsable } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import { WorkDirectories } from '../jobs/work-directories';
import type { StagedFile } from '../staging/staged-file.entity';
import { batchKey, fileOfRows, StagedParts } from '../staging/staged-parts';
import { StagingService } from '../staging/staging.service';
import { ObjectStore } from '../storage/object-store';
import type { RowsByTable } from './check-rows';
import { GenerationLoader } from './generation-loader';
import type { MaterializationPlan } from './materialization-plan';
import { resultOf } from './materialization-result';
import { LoadRows, type LoadRowsPayload } from './materialization.operations';

/** Rows of a request -> a staged file for each table -> loaded into a copy of the live data -> published with these files. */
@Injectable()
@HandlesOperation(LoadRows)
export class LoadRowsProcessor extends OperationProcessor<typeof LoadRows> {
  constructor(
    private readonly graphs: GraphsService,
    private readonly staging: StagingService,
    private readonly parts: StagedParts,
    private readonly loader: GenerationLoader,
    private readonly objects: ObjectStore,
    private readonly work: WorkDirectories,
    private readonly clock: Clock,
  ) {
    super();
  }

  async run({ batchId }: LoadRowsPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    const startedAt = this.clock.now();
    const [graph, live] = await Promise.all([this.graphs.get(graphId), this.graphs.liveGeneration(graphId)]);
    if (live === null) throw notUsable(graphId, graph.status);
    const key = batchKey(graphId, batchId);
    const tables = (await json(await this.objects.get(key))) as RowsByTable;
    return this.work.use(ctx, async (directory) => {
      const files: StagedFile[] = [];
      for (const [at, [tableName, rows]] of Object.entries(tables).entries()) {
        const file = { id: fileOfRows(batchId, tableName, at), tableName, rows, uploadKey: at === 0 ? key : undefined };
        files.push(await this.parts.partOfRows(graph, file, { directory, ctx }));
      }
      const held = contentsOf(live);
      const plan: MaterializationPlan = {
        mode: 'incremental',
        why: 'Rows were sent',
        files,
        added: files,
        removed: [],
        contents: { ...held, files: [...held.files, ...files.map(({ id }) => id)] },
      };
      const loaded = await this.loader.load(ctx, { graph, live, plan, directory, ignoreErrors: false });
      const made = resultOf(graphId, ctx.operationId, loaded.build.generation, loaded);
      await this.loader.publish(ctx, { plan, mode: 'rows', loaded, startedAt, result: made }, (em) =>
        this.staging.insertStaged(em, files),
      );
      return made;
    });
  }
}
