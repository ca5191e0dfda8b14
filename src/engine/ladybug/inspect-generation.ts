import { isDeepStrictEqual } from 'node:util';
import type { GenerationManifest } from '../graph-engine';
import type { HostProcess } from './host-process';
import { countTables } from './measure-generation';

export type Counts = Pick<GenerationManifest, 'nodes' | 'relationships'>;

/** Opens what was built and counts in it, as its readers will see it, unless that is `known`. The process stays. */
export function inspect(
  reader: HostProcess,
  signal: AbortSignal,
  known?: Counts,
): Promise<Counts & Pick<GenerationManifest, 'engineVersion' | 'storageVersion'>> {
  const count = async (): ReturnType<typeof inspect> => {
    const { engineVersion, storageVersion } = await reader.open();
    return { engineVersion, storageVersion, ...(known ?? (await countTables(reader))) };
  };
  return ending(reader, signal, count, () => true);
}

/** The order of names in a manifest says nothing. */
export function sameContent(one: GenerationManifest, other: GenerationManifest): boolean {
  const content = ({ bytes, log, nodes, relationships }: GenerationManifest): unknown[] => [
    bytes,
    log,
    nodes,
    relationships,
  ];
  return isDeepStrictEqual(content(one), content(other));
}

/** What all of them give, once each has come to its end; throws what the first of them that failed threw. */
export async function allEnded<T extends readonly unknown[]>(work: T): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** Runs `work`; whether it ends, fails or is aborted, the process is gone afterwards, unless somebody else has it by then. */
export async function ending<T>(
  host: HostProcess,
  signal: AbortSignal,
  work: () => Promise<T>,
  kept: () => boolean = () => false,
): Promise<T> {
  const kill = (): void => host.kill({ why: 'abandoned' });
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    const result = await work();
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener('abort', kill);
    if (!kept()) {
      kill();
      await host.ended;
    }
  }
}
