import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Files may be JSON, say how they are to be read, and tell what they were found to be. */
export class FileContents1765000050000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      alter table staged_file
        add column options jsonb not null default '{}',
        add column content jsonb,
        drop constraint staged_file_format_check,
        add constraint staged_file_format_check check (format in ('csv', 'json', 'parquet'))`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`
      alter table staged_file
        drop column options,
        drop column content,
        drop constraint staged_file_format_check,
        add constraint staged_file_format_check check (format in ('csv', 'parquet'))`);
  }
}
