import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { Sensor } from '../jobs/sensor';
import { requireRoomToday } from '../limits/daily-limit';
import { DailyLimitReached } from '../limits/limits.errors';
import { TierTable } from '../limits/tier-table';
import { OperationConflict } from '../operations/operations.errors';
import { OperationsService } from '../operations/operations.service';
import { Ingestion } from '../staging/ingestion';
import { StagingService } from '../staging/staging.service';
import { MaterializeGraph } from './materialization.operations';

const INTERVAL_MS = 5_000;

/**
 * Loads staged files whose senders want that: an incremental materialization begins when a file is staged, or else when
 * nothing stands in its way any more. One takes all files of a graph that wait.
 */
@Injectable()
export class IngestFilesSensor extends Sensor implements OnModuleInit {
  protected readonly intervalMs = INTERVAL_MS;

  constructor(
    private readonly ingestion: Ingestion,
    private readonly staging: StagingService,
    private readonly graphs: GraphsService,
    private readonly operations: OperationsService,
    private readonly tiers: TierTable,
    private readonly audit: AuditService,
    private readonly transactor: Transactor,
  ) {
    super();
  }

  onModuleInit(): void {
    this.ingestion.register((graphId) => this.begin(graphId));
  }

  async look(): Promise<void> {
    for (const graphId of await this.staging.graphsToIngest()) await this.ingestion.begin(graphId);
  }

  private async begin(graphId: string): Promise<void> {
    const graph = await this.graphs.get(graphId);
    if (graph.status !== 'active') return;
    const { orgId, tier } = graph;
    const { materializations_per_day: limit } = this.tiers.of(tier);
    try {
      await this.transactor.run(async (em) => {
        // Locked, so that of two who begin at once only one finds them waiting.
        const files = await this.staging.lockFilesToIngest(em, graphId);
        if (files.length === 0) return;
        await requireRoomToday(em, { graphId, type: MaterializeGraph.name, limit, what: 'materializations' });
        const actor = { userId: files[0].ingestBy! };
        const payload = { force: false, ignoreErrors: true, mode: 'incremental' as const };
        const operation = await this.operations.begin(em, MaterializeGraph, { actor, orgId, graphId, payload });
        await this.staging.noteIngestion(em, files, operation.id);
        const details = { operation_id: operation.id, files: files.map(({ id }) => id) };
        const action = 'graph.materialization_requested';
        await this.audit.record(em, { actor: null, action, target: graphId, orgId, details });
      });
    } catch (error) {
      // They wait for the end of what runs, or for the next day.
      if (!(error instanceof OperationConflict || error instanceof DailyLimitReached)) throw error;
    }
  }
}
