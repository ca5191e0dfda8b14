import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Transactor } from '../database/transactor';
import type { RunFailure } from './run-events';

/** What a run has said so far, as far as its operation's end needs it. */
export interface Seen {
  percent?: number;
  details?: Record<string, unknown>;
  failure?: RunFailure;
}

/** How far an operation has come with its run. */
export interface WatchedRun {
  operationId: string;
  createdAt: Date;
  /** Written before a launch is sent: from then on there may be a run. */
  launchBegunAt: Date | null;
  runId: string | null;
  /** The last event that was read. */
  cursor: string | null;
  seen: Seen;
}

export interface UnsettledRun {
  operationId: string;
  launchBegunAt: Date | null;
  stopAskedAt: Date | null;
  endedAt: Date;
}

const COLUMNS = `operation_id as "operationId", created_at as "createdAt", launch_begun_at as "launchBegunAt",
  run_id as "runId", cursor, seen`;

/** Runs of Dagster, one row for each operation. Writes of a processor go through its fenced transaction. */
@Injectable()
export class DagsterRunsRepository {
  constructor(private readonly tx: Transactor) {}

  /** The row of an operation; made at its first attempt. */
  async open(em: EntityManager, operationId: string, job: string): Promise<WatchedRun> {
    await em.query('insert into dagster_run (operation_id, job) values ($1, $2) on conflict do nothing', [
      operationId,
      job,
    ]);
    const [row] = await em.query<WatchedRun[]>(`select ${COLUMNS} from dagster_run where operation_id = $1`, [
      operationId,
    ]);
    return row;
  }

  async find(operationId: string): Promise<WatchedRun | null> {
    const [row] = await this.tx.em.query<WatchedRun[]>(`select ${COLUMNS} from dagster_run where operation_id = $1`, [
      operationId,
    ]);
    return row ?? null;
  }

  async noteLaunch(em: EntityManager, operationId: string, at: Date): Promise<void> {
    await em.query('update dagster_run set launch_begun_at = $2 where operation_id = $1', [operationId, at]);
  }

  async noteRun(em: EntityManager, operationId: string, runId: string): Promise<void> {
    await em.query('update dagster_run set run_id = $2 where operation_id = $1', [operationId, runId]);
  }

  async noteEvents(em: EntityManager, operationId: string, cursor: string | null, seen: Seen): Promise<void> {
    await em.query('update dagster_run set cursor = $2, seen = $3 where operation_id = $1', [
      operationId,
      cursor,
      JSON.stringify(seen),
    ]);
  }

  /** Those of ended operations of which nobody has looked yet whether all their runs have ended too; oldest first. */
  async unsettled(limit: number): Promise<UnsettledRun[]> {
    return await this.tx.em.query(
      `select r.operation_id as "operationId", r.launch_begun_at as "launchBegunAt", r.stop_asked_at as "stopAskedAt",
         o.ended_at as "endedAt"
       from dagster_run r join operation o on o.id = r.operation_id
       where r.settled_at is null and o.ended_at is not null order by o.ended_at limit $1`,
      [limit],
    );
  }

  async noteStopAsked(operationId: string): Promise<void> {
    await this.tx.em.query('update dagster_run set stop_asked_at = now() where operation_id = $1', [operationId]);
  }

  async settle(operationId: string): Promise<void> {
    await this.tx.em.query('update dagster_run set settled_at = now() where operation_id = $1', [operationId]);
  }
}
