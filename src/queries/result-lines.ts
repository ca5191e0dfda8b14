const LINE_FEED = 10;

/**
 * Lines `offset` to `offset + limit` of a stream of bytes, joined by commas. Counts line feeds without looking at what is
 * between them, and reads no further than it must.
 */
export async function pageOfLines(
  source: AsyncIterable<Buffer>,
  { offset, limit, maxBytes }: { offset: number; limit: number; maxBytes: number },
): Promise<{ rows: number; bytes: Buffer }> {
  const lines: Buffer[] = [];
  let size = 0;
  let line = 0;
  let begun: Buffer[] = [];
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      if (line >= offset) {
        const whole = Buffer.concat([...begun, chunk.subarray(start, end)]);
        size += whole.length;
        if (lines.length > 0 && size > maxBytes) return joined(lines);
        lines.push(whole);
        if (lines.length === limit) return joined(lines);
      }
      begun = [];
      line += 1;
      start = end + 1;
    }
    if (line >= offset && start < chunk.length) begun.push(chunk.subarray(start));
  }
  return joined(lines);
}

function joined(lines: Buffer[]): { rows: number; bytes: Buffer } {
  const comma = Buffer.from(',');
  return { rows: lines.length, bytes: Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [comma, line]))) };
}
