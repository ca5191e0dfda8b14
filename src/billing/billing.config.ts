import { integer, Setting } from '../config/setting';

/** What graphs cost, and how often that is looked after. */
export class BillingConfig {
  @Setting(
    'CREDITS_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'seconds between two looks for graphs without the credits of this month',
  )
  readonly creditsSeconds: number = 60;

  @Setting(
    'STORAGE_OVERAGE_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'seconds between two looks for graphs that take more storage than their tier includes; each is booked once a day',
  )
  readonly overageSeconds: number = 900;
}
