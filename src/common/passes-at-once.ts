type Constructor = abstract new (...args: never[]) => object;
type Check = (value: Record<string, unknown>) => boolean;

const CHECKS = new WeakMap<object, Check>();

/**
 * On a DTO of a busy route: tells of most good requests, by a glance, that all rules of the class hold and that nothing
 * has to be converted. They are then taken as they are; whatever it does not accept is judged by the rules themselves.
 * It may know less than the rules and never more.
 */
export function PassesAtOnce(check: Check) {
  return (target: Constructor): void => void CHECKS.set(target, check);
}

/** Whether the class has such a check and it accepts the value. */
export function passesAtOnce(target: object, value: unknown): value is Record<string, unknown> {
  const check = CHECKS.get(target);
  if (check === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return check(value as Record<string, unknown>);
}

/** Whether an object has no other properties than these. */
export function hasOnly(value: object, names: readonly string[]): boolean {
  for (const name of Object.keys(value)) if (!names.includes(name)) return false;
  return true;
}
