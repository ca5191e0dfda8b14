import { integer, Setting } from '../config/setting';

export class ProvisioningConfig {
  @Setting(
    'SUSPENDED_KEEP_DAYS',
    integer({ min: 0, max: 3_650 }),
    'days that a suspended graph is kept before it is backed up a last time and removed; 0 keeps it',
  )
  readonly suspendedKeepDays: number = 30;

  @Setting(
    'PROVISIONING_WRITE_OFF_HOURS',
    integer({ min: 1, max: 8_760 }),
    'hours after which a subscription is given up whose graph could not be made',
  )
  readonly writeOffHours: number = 72;

  @Setting(
    'PROVISIONING_CHECK_SECONDS',
    integer({ min: 1, max: 86_400 }),
    'seconds between two looks for subscriptions that ended or stall, and for suspended graphs whose time is over',
  )
  readonly checkSeconds: number = 60;
}
