import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Requests of the present minute, in the shape that rate-limiter-flexible expects. */
export class RequestCounts1765000070000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    // Unlogged: after a crash of the database a minute is counted anew.
    await q.query(`create unlogged table request_count (
      key varchar(255) primary key,
      points integer not null default 0,
      expire bigint
    )`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop table request_count');
  }
}
