import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { TierTable } from '../limits/tier-table';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { batchKey } from '../staging/staged-parts';
import { StagingService } from '../staging/staging.service';
import { ObjectStore } from '../storage/object-store';
import { checkRows } from './check-rows';
import type { RowsDto } from './dto/rows.dto';
import { NoRows, TooManyRows } from './materialization.errors';
import { LoadRows } from './materialization.operations';

/** Small batches of rows, for those who have no files. */
const MOST_ROWS = 10_000;

/** Takes rows that came with a request: checks them, keeps them, and starts loading them. */
@Injectable()
export class RowsService {
  constructor(
    private readonly graphs: GraphsService,
    private readonly staging: StagingService,
    private readonly tiers: TierTable,
    private readonly objects: ObjectStore,
    private readonly transactor: Transactor,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  /** Throws `InvalidRequest` with every problem, {@link TooManyRows}, {@link NoRows}, `FileCountReached`. */
  async request(actor: Actor, graphId: string, rows: RowsDto): Promise<Operation> {
    const count = rows.nodes.length + rows.relationships.length;
    if (count === 0) throw new NoRows();
    if (count > MOST_ROWS) throw new TooManyRows(count, MOST_ROWS);
    const graph = await this.graphs.active(graphId);
    const tables = checkRows(graph.schema, rows);
    const files = await this.staging.fileCount(graphId);
    this.tiers.requireRoomForFile(graph.tier, files + Object.keys(tables).length - 1);
    const batchId = this.ids.uuid();
    const key = batchKey(graphId, batchId);
    await this.objects.put(key, Readable.from([JSON.stringify(tables)]));
    return this.transactor
      .run(async (em) => {
        const { orgId } = graph;
        const operation = await this.operations.begin(em, LoadRows, { actor, orgId, graphId, payload: { batchId } });
        const details = { operation_id: operation.id, rows: count };
        await this.audit.record(em, { actor, action: 'graph.rows_requested', target: graphId, orgId, details });
        return operation;
      })
      .catch(async (error: unknown) => {
        await this.objects.delete(key);
        throw error;
      });
  }
}
