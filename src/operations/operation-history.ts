import { Injectable } from '@nestjs/common';
import type { Actor } from '../auth/actor';
import { Transactor } from '../database/transactor';
import type { OperationListQuery } from './dto/operation-history.dto';
import { OperationLog } from './operation-log';
import { operationFrom, type Row } from './operation-row';
import type { Operation, OperationEvent } from './operation.entity';

export interface Page<T> {
  items: T[];
  /** Where the next page begins; null on the last one. */
  nextCursor: string | null;
}

/** What was done: operations and their events, long after they ended. */
@Injectable()
export class OperationHistory {
  constructor(
    private readonly transactor: Transactor,
    private readonly log: OperationLog,
  ) {}

  /**
   * Operations that the actor may see, newest first: of the graphs where they have a role, of all graphs of the
   * organisations that they run, and their own that concern no graph. Ids sort by time, so a page begins after an id.
   */
  async list(actor: Actor, query: OperationListQuery): Promise<Page<Operation>> {
    const { em } = this.transactor;
    const rows = await em.query<Row[]>(
      `select o.* from operation o
       left join graph g on g.id = o.graph_id
       left join org_member m on m.org_id = o.org_id and m.user_id = $1
       left join graph_member gm on gm.graph_id = coalesce(g.parent_id, g.id) and gm.user_id = $1
       where (m.role in ('owner', 'admin') or (m.role is not null and gm.role is not null)
           or (o.graph_id is null and o.user_id = $1))
         and ($2::text[] is null or coalesce(g.parent_id, g.id) = any ($2))
         and ($3::text is null or o.graph_id = $3) and ($4::text is null or o.type = $4)
         and ($5::text is null or o.status = $5) and ($6::text is null or o.id < $6)
       order by o.id desc limit $7`,
      [
        actor.userId,
        actor.graphIds,
        query.graph_id ?? null,
        query.operation_type ?? null,
        query.status ?? null,
        query.cursor ?? null,
        query.limit + 1,
      ],
    );
    const items = rows.slice(0, query.limit).map((row) => operationFrom(em, row));
    return { items, nextCursor: rows.length > query.limit ? items[items.length - 1].id : null };
  }

  /** Stored events after a sequence number, in order. */
  async events(operationId: string, after: number, limit: number): Promise<Page<OperationEvent>> {
    const found = await this.log.read(operationId, after, limit + 1);
    const items = found.slice(0, limit);
    return { items, nextCursor: found.length > limit ? String(items[items.length - 1].sequence) : null };
  }
}
