import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { GenerationManifest } from '../graph-engine';
import { generationFiles } from './graph-file';
import type { HostProcess } from './host-process';
import { quoteName } from './statement-text';

const COUNT_TIMEOUT_MS = 120_000;

/** What a generation consists of must be on the disk before anybody is told that it is there. */
export async function syncFiles(directory: string): Promise<void> {
  for (const path of [...(await generationFiles(directory)), directory, dirname(directory)]) await sync(path);
}

/**
 * Measures a generation's files. Only in a process that does not have them open: closing a descriptor would drop the engine's
 * lock. `known`: SHA-256 of the database file, where it need not be read to find it out.
 */
export async function measureFiles(
  directory: string,
  known: string | undefined,
  signal: AbortSignal,
): Promise<Pick<GenerationManifest, 'bytes' | 'sha256' | 'log'>> {
  const files = await generationFiles(directory);
  const [file, log] = [await measure(files[0], signal, known), files[1] && (await measure(files[1], signal))];
  return { ...file, ...(log && { bytes: file.bytes + log.bytes, log }) };
}

async function measure(path: string, signal: AbortSignal, sha256?: string): Promise<{ bytes: number; sha256: string }> {
  return { bytes: (await stat(path)).size, sha256: sha256 ?? (await hashOf(path, signal)) };
}

async function hashOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash, { signal });
  return hash.digest('hex');
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Rows of every table. */
export async function countTables(host: HostProcess): Promise<Pick<GenerationManifest, 'nodes' | 'relationships'>> {
  const nodes: Record<string, number> = {};
  const relationships: Record<string, number> = {};
  const tables = await rowsOf(host, 'CALL show_tables() RETURN name, type ORDER BY name');
  for (const { name, type } of tables as { name: string; type: string }[]) {
    const pattern = type === 'NODE' ? `(x:${quoteName(name)})` : `()-[x:${quoteName(name)}]->()`;
    const [row] = await rowsOf(host, `MATCH ${pattern} RETURN count(*) AS count`);
    (type === 'NODE' ? nodes : relationships)[name] = Number(row?.count);
  }
  return { nodes, relationships };
}

async function rowsOf(host: HostProcess, statement: string): Promise<Record<string, unknown>[]> {
  const query = host.query({ statement, parameters: {}, timeoutMs: COUNT_TIMEOUT_MS, format: 'ndjson' });
  const chunks: Buffer[] = [];
  for await (const batch of (await query.ready).batches) chunks.push(batch.bytes);
  const lines = Buffer.concat(chunks).toString('utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
