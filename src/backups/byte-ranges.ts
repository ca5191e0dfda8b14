import type { ByteRange } from '../storage/object-store';
import { RangeNotSatisfiable } from './backups.errors';

/**
 * The part that the header `Range` asks for; null for the whole, also where it asks for several parts or makes no sense,
 * as HTTP wants it. Throws {@link RangeNotSatisfiable}.
 */
export function rangeOf(header: string | undefined, bytes: number): Required<ByteRange> | null {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === undefined || (first === '' && last === '')) return null;
  if (first === '') {
    if (Number(last) === 0 || bytes === 0) throw new RangeNotSatisfiable(bytes);
    return { start: Math.max(0, bytes - Number(last)), end: bytes };
  }
  const [start, end] = [Number(first), last === '' ? bytes : Math.min(Number(last) + 1, bytes)];
  if (start >= bytes) throw new RangeNotSatisfiable(bytes);
  return end <= start ? null : { start, end };
}

/** The bytes of a part; what is before it is read and thrown away, what is behind it is not read. */
export async function* partOf(
  content: AsyncIterable<Buffer>,
  { start, end }: Required<ByteRange>,
): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of content) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += chunk.length;
    if (part.length > 0) yield part;
    if (at >= end) return;
  }
}
