const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const LONGEST_KEY = 512;

/** Checks a key: `segment/segment/...`, no segment begins with a dot. A wrong key is a mistake of ours, not of a user. */
export function assertKey(key: string): void {
  if (key.length > LONGEST_KEY || !key.split('/').every((segment) => SEGMENT.test(segment))) {
    throw new Error(`"${key}" is not an object key`);
  }
}

/** Checks a prefix: whole segments with a slash at the end, so `a/b/` never takes `a/bc` along. */
export function assertPrefix(prefix: string): void {
  if (!prefix.endsWith('/')) throw new Error(`"${prefix}" is not an object prefix; it must end in /`);
  assertKey(prefix.slice(0, -1));
}
