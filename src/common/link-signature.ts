import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs what a link says, so that nobody can make one up or change it. */
export function signatureOf(secret: string, ...said: (string | number)[]): string {
  return createHmac('sha256', secret).update(said.join('\n')).digest('base64url');
}

/** Compares in a time that tells nothing of where two signatures differ. */
export function sameSignature(given: unknown, wanted: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
