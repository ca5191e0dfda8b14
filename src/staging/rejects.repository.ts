import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';

/** The rejected rows of an operation, as its last attempt found them. */
export interface KeptRejects {
  /** Where their objects are: `<prefix><table>.parquet`. */
  prefix: string;
  tables: string[];
  /** When their time was over; null while they are there. */
  removedAt: Date | null;
}

/** Which rejected rows are kept, and where. */
@Injectable()
export class RejectsRepository {
  constructor(private readonly transactor: Transactor) {}

  /** Says which rows count for an operation; nothing does where no table has any. */
  async publish(
    em: EntityManager,
    { operationId, graphId }: { operationId: string; graphId: string },
    { prefix, tables }: Pick<KeptRejects, 'prefix' | 'tables'>,
  ): Promise<void> {
    await em.query('delete from kept_rejects where operation_id = $1', [operationId]);
    if (tables.length === 0) return;
    await em.query('insert into kept_rejects (operation_id, graph_id, prefix, tables) values ($1, $2, $3, $4)', [
      operationId,
      graphId,
      prefix,
      JSON.stringify(tables),
    ]);
  }

  async find(graphId: string, operationId: string): Promise<KeptRejects | undefined> {
    const [found] = await this.transactor.em.query<KeptRejects[]>(
      `select prefix, tables, removed_at as "removedAt" from kept_rejects where operation_id = $1 and graph_id = $2`,
      [operationId, graphId],
    );
    return found;
  }

  /** The operation that rejected rows last, of those whose rows are still there. */
  async newest(graphId: string): Promise<string | undefined> {
    const [found] = await this.transactor.em.query<{ id: string }[]>(
      `select operation_id as id from kept_rejects where graph_id = $1 and removed_at is null
       order by kept_at desc, operation_id desc limit 1`,
      [graphId],
    );
    return found?.id;
  }

  /** Gives up those that were kept for so many days. */
  async expire(days: number): Promise<void> {
    await this.transactor.em.query(
      `update kept_rejects set removed_at = now()
       where removed_at is null and kept_at <= now() - make_interval(days => $1)`,
      [days],
    );
  }

  async removeAll(graphId: string): Promise<void> {
    await this.transactor.em.query('delete from kept_rejects where graph_id = $1', [graphId]);
  }
}
