import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which file of its parent a file of a subgraph is a copy of; the two live and go on their own. */
export class FileCopies1765000141000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('alter table staged_file add column copy_of uuid');
    // Generations that are in use know so themselves.
    await q.query('drop table generation_use');
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('alter table staged_file drop column copy_of');
    await q.query(`create table generation_use (
      graph_id text not null,
      number integer not null,
      operation_id text not null references operation on delete cascade,
      primary key (graph_id, number, operation_id),
      foreign key (graph_id, number) references generation on delete cascade
    )`);
  }
}
