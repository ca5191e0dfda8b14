import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A subscription whose provisioning failed and was tried again grants anew; one grant of it lasts at a time. */
export class GrantsAgain1765000285000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query('alter table repository_grant drop constraint repository_grant_subscription_id_key');
    await q.query(`create unique index repository_grant_of_subscription on repository_grant (subscription_id)
      where revoked_at is null`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('drop index repository_grant_of_subscription');
    await q.query(`delete from repository_grant g where revoked_at is not null
      and exists (select from repository_grant o where o.subscription_id = g.subscription_id and o.id <> g.id)`);
    await q.query(
      'alter table repository_grant add constraint repository_grant_subscription_id_key unique (subscription_id)',
    );
  }
}
