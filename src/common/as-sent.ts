import { Transform } from 'class-transformer';

/**
 * On a field of a DTO that holds whatever a client likes: it is taken as it came. Otherwise members that are called like a
 * method which every object has (`toString`) would be left out without a word.
 */
export function AsSent(): PropertyDecorator {
  return Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key]);
}
