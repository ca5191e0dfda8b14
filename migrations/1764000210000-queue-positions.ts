import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who waits before whom, and how fast operations of a type were completed lately. */
export class QueuePositions1764000210000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('drop index operation_waiting');
    await q.query(`create index operation_waiting on operation (type, id) where status = 'pending'`);
    await q.query(`create index operation_completed on operation (type, ended_at) where status = 'completed'`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop index operation_completed');
    await q.query('drop index operation_waiting');
    await q.query(`create index operation_waiting on operation (type) where status = 'pending'`);
  }
}
