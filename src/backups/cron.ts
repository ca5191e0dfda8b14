import { Cron } from 'croner';

/** Five fields: minute, hour, day of the month, month, day of the week. */
const MODE = '5-part';

/**
 * The next time after `after` that an expression means in a time zone; null where there is none, as on 30 February. A time
 * that a change of the clock leaves out comes at the change, one that it brings twice comes once.
 */
export function nextRun(cron: string, timeZone: string, after: Date): Date | null {
  return new Cron(cron, { timezone: timeZone, mode: MODE, paused: true }).nextRun(after);
}

/** Whether an expression can be read, and means a time at all. */
export function isCron(value: unknown): boolean {
  // Single moments and nicknames are understood as well, but are not what the contract says.
  if (typeof value !== 'string' || value.split(' ').length !== 5) return false;
  try {
    return nextRun(value, 'UTC', new Date(0)) !== null;
  } catch {
    return false;
  }
}

export function isTimeZone(value: unknown): boolean {
  if (typeof value !== 'string' || value === '') return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
