import { isCron, isTimeZone, nextRun } from './cron';

describe('when a schedule is due', () => {
  it.each([
    ['0 3 * * *', 'UTC', '2026-01-01T02:59:59Z', '2026-01-01T03:00:00Z'],
    ['0 3 * * *', 'UTC', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00Z'],
    ['0 3 * * *', 'Asia/Tokyo', '2026-01-01T00:00:00Z', '2026-01-01T18:00:00Z'],
    ['*/15 9-17 * * MON-FRI', 'UTC', '2026-01-02T17:45:00Z', '2026-01-05T09:00:00Z'],
    // Clocks go from 2:00 to 3:00: what is due at 2:30 comes when they do.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    // Clocks go from 3:00 back to 2:00: the second 2:30 of that day is not another one.
    ['30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  ])('%s in %s is after %s next due at %s', (cron, zone, after, due) => {
    expect(nextRun(cron, zone, new Date(after))).toEqual(new Date(due));
  });

  it.each(['', 'daily', '* * * *', '* * * * * *', '61 * * * *', '0 0 30 2 *', '2026-12-01T00:00:00', 5, null])(
    'is not said by %j',
    (cron) => expect(isCron(cron)).toBe(false),
  );
  it.each(['', 'Mars/Olympus', 'CEST please', 7])('is not where %j is', (zone) => expect(isTimeZone(zone)).toBe(false));
  it('is known everywhere on earth', () => expect(isTimeZone('America/Argentina/Buenos_Aires')).toBe(true));
});
