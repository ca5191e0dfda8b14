import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was said between the platform and who collects. */
export class BillingProvider1765000251000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    // What the provider was told last, and when it sent the news that count.
    await q.query('alter table subscription add column provider_told text, add column provider_news_at timestamptz');
    await q.query(
      'create index subscription_at_provider on subscription (provider) where provider_subscription_id is not null',
    );
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query('alter table subscription drop column provider_told, drop column provider_news_at');
  }
}
