import { availableParallelism, totalmem } from 'node:os';
import { integer, oneOf, Setting, type Parse } from '../config/setting';

const powerOfTwo: Parse<number> = (text) => {
  const value = integer({ min: 1, max: 8192 })(text);
  if (!Number.isInteger(Math.log2(value))) throw new Error('must be a power of two, such as 64');
  return value;
};

/** Settings of the graph engine and its processes. Memory is per process unless said. */
export class EngineConfig {
  @Setting(
    'ENGINE_MAX_HOSTS',
    integer({ min: 1, max: 10_000 }),
    'graphs that are open at once; the longest idle closes',
  )
  readonly maxHosts: number = 16;

  @Setting('ENGINE_IDLE_CLOSE_SECONDS', integer({ min: 1 }), 'an open graph that nobody queries closes after this')
  readonly idleCloseSeconds: number = 120;

  @Setting('ENGINE_BUFFER_POOL_MB', integer({ min: 16 }), 'page cache of an open graph; filled only as it is used')
  readonly bufferPoolMb: number = 256;

  @Setting('ENGINE_LOADER_POOL_MB', integer({ min: 256 }), 'page cache of a process that builds a graph')
  readonly loaderPoolMb: number = 1024;

  @Setting('ENGINE_HOST_MEMORY_MB', integer({ min: 128 }), 'an open graph that holds more is ended, with its queries')
  readonly hostMemoryMb: number = 1024;

  @Setting('ENGINE_LOADER_MEMORY_MB', integer({ min: 512 }), 'a building process that holds more is ended')
  readonly loaderMemoryMb: number = 4096;

  @Setting(
    'ENGINE_HOSTS_MEMORY_MB',
    integer({ min: 256 }),
    'open graphs together; when they hold more, the longest idle closes',
    'half of the memory',
  )
  readonly hostsMemoryMb: number = Math.max(256, Math.floor(totalmem() / 2 / 1024 / 1024));

  @Setting(
    'ENGINE_CPU_SECONDS',
    integer({ min: 60 }),
    'CPU time of one engine process; an open graph is opened anew at half of it, without a pause',
  )
  readonly cpuSeconds: number = 14_400;

  @Setting('ENGINE_MAX_DATABASE_GB', powerOfTwo, 'largest size of one graph; a power of two')
  readonly maxDatabaseGb: number = 64;

  @Setting('ENGINE_HOST_THREADS', integer({ min: 1, max: 256 }), 'threads of one query', 'the cores, at most 4')
  readonly hostThreads: number = Math.min(4, availableParallelism());

  @Setting('ENGINE_LOADER_THREADS', integer({ min: 1, max: 256 }), 'threads of a build', 'the cores')
  readonly loaderThreads: number = availableParallelism();

  @Setting(
    'ENGINE_HOST_CONNECTIONS',
    integer({ min: 1, max: 64 }),
    'queries of one graph that run at once; others queue',
  )
  readonly hostConnections: number = 4;

  @Setting('ENGINE_START_SECONDS', integer({ min: 1 }), 'time in which a graph must open')
  readonly startSeconds: number = 20;

  @Setting(
    'ENGINE_CONFINEMENT',
    oneOf('auto', 'bubblewrap', 'none'),
    'sandbox of engine processes; auto: if bwrap works',
  )
  readonly confinement: 'auto' | 'bubblewrap' | 'none' = 'auto';
}
