/**
 * The same time of day a calendar month later (UTC), on the given day of the month; on its last day where it has no such day.
 * `day` is that of the first period: what began on the 31st comes back to it after a shorter month.
 */
export function nextMonth(from: Date, day = from.getUTCDate()): Date {
  const next = new Date(from);
  next.setUTCDate(1);
  next.setUTCMonth(next.getUTCMonth() + 1);
  const lastDay = new Date(Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 0)).getUTCDate();
  next.setUTCDate(Math.min(day, lastDay));
  return next;
}
