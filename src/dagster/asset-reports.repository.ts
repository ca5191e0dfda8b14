import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';

export interface DueReport {
  operationId: string;
  type: string;
  graphId: string | null;
  result: Record<string, unknown> | null;
  tries: number;
}

/**
 * The operation's own row is what a report is made from: it is there with the commit that ends the operation, whoever
 * ends it. A row of its own says what became of the report.
 */
@Injectable()
export class AssetReportsRepository {
  constructor(private readonly tx: Transactor) {}

  /** Completed operations of these types that ended after `since` and have not been reported, oldest first. */
  async due(types: string[], since: Date, limit: number): Promise<DueReport[]> {
    return await this.tx.em.query(
      `select o.id as "operationId", o.type, o.graph_id as "graphId", o.result, coalesce(r.tries, 0) as tries
       from operation o left join dagster_report r on r.operation_id = o.id
       where o.type = any($1) and o.ended_at > $2 and o.status = 'completed'
         and (r.operation_id is null
           or (r.delivered_at is null and r.dropped_at is null and r.next_try_at <= now()))
       order by o.ended_at limit $3`,
      [types, since, limit],
    );
  }

  async noteDelivered(operationId: string): Promise<void> {
    await this.note(operationId, 'delivered_at = now()', 0);
  }

  /** The next try comes after `waitMs`; none where the report is dropped. */
  async noteFailed(operationId: string, { waitMs, dropped }: { waitMs: number; dropped: boolean }): Promise<void> {
    await this.note(operationId, dropped ? 'dropped_at = now()' : 'dropped_at = null', waitMs);
  }

  private async note(operationId: string, outcome: string, waitMs: number): Promise<void> {
    await this.tx.em.query('insert into dagster_report (operation_id) values ($1) on conflict do nothing', [
      operationId,
    ]);
    await this.tx.em.query(
      `update dagster_report set tries = tries + 1, next_try_at = now() + $2 * interval '1 millisecond', ${outcome}
       where operation_id = $1`,
      [operationId, waitMs],
    );
  }
}
