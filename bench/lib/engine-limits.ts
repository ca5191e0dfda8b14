import { EngineConfig } from '../../src/engine/engine.config';

const MB = 1024 * 1024;

/** What the platform gives its loader, by default. */
export function loaderLimits(config = new EngineConfig()) {
  const { loaderPoolMb, maxDatabaseGb, loaderThreads } = config;
  return { bufferPoolBytes: loaderPoolMb * MB, maxDatabaseBytes: maxDatabaseGb * 1024 * MB, threads: loaderThreads };
}

/** What the platform gives a host that answers queries, by default. */
export function hostLimits(config = new EngineConfig()) {
  const { bufferPoolMb, maxDatabaseGb, hostThreads } = config;
  return { bufferPoolBytes: bufferPoolMb * MB, maxDatabaseBytes: maxDatabaseGb * 1024 * MB, threads: hostThreads };
}
