import { BullRegistrar, getQueueToken } from '@nestjs/bullmq';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { InvalidSettings } from '../config/load-config';
import { PlatformConfig } from '../config/platform.config';
import { OperationTypes } from '../operations/operation-types';
import { contractHandledBy, workerOptionsOf } from './handles-operation';
import { JobsConfig } from './jobs.config';
import { OperationProcessor } from './operation-processor';
import { RunningAttempts } from './running-attempts';
import type { OperationContract } from '../operations/define-operation';

type AnyProcessor = OperationProcessor<OperationContract>;
/** What starts workers in @nestjs/bullmq. Its registrar, which is all that the package exports, starts them all or none. */
interface Explorer {
  getQueueOptions(queueToken: string, queueName: string): object;
  handleProcessor(
    processor: object,
    queue: string,
    queueOptions: object,
    host: unknown,
    scoped: false,
    options: object,
  ): void;
  registerWorkerEventListeners(found: Found): void;
}
/** A processor as the injector of Nest holds it. */
type Found = ReturnType<DiscoveryService['getProviders']>[number];

const COMPLAIN_EVERY_MS = 60_000;

/**
 * Starts the workers in processes with the role `worker`, those of all operation types or of the ones that
 * WORKER_OPERATIONS names, and stops them without loss.
 */
@Injectable()
export class Workers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Workers.name);
  /** Those whose type this process takes; no others have a worker. */
  private processors: AnyProcessor[] = [];
  private readonly complained = new Map<string, number>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly registrar: BullRegistrar,
    private readonly types: OperationTypes,
    private readonly running: RunningAttempts,
    private readonly platform: PlatformConfig,
    private readonly config: JobsConfig,
  ) {}

  /**
   * Throws, so that the process does not start, where an operation type has no processor or two, or where
   * WORKER_OPERATIONS names what is not there.
   */
  onApplicationBootstrap(): void {
    if (!this.platform.has('worker')) return;
    const taken = this.takenTypes();
    const found = this.checkedProcessors().filter((one) => taken.includes(processorIn(one).contract.name));
    this.processors = found.map(processorIn);
    for (const one of found) this.startWorker(one);
    this.logger.log(
      `This worker takes ${taken.length < this.types.all().length ? taken.join(', ') : 'every operation'}`,
    );
  }

  /** What `BullRegistrar.register()` does for every processor at once, for one of them. */
  private startWorker(found: Found): void {
    const explorer = this.registrar['bullExplorer'] as Explorer;
    const processor = processorIn(found);
    const { contract } = processor;
    const queue = explorer.getQueueOptions(getQueueToken(contract.name), contract.name);
    explorer.handleProcessor(processor, contract.name, queue, found.host!, false, workerOptionsOf(contract));
    explorer.registerWorkerEventListeners(found);
    processor.worker.on('error', (error) => this.complain(error));
  }

  private takenTypes(): string[] {
    const known = this.types.all().map(({ name }) => name);
    const wanted = this.config.workerOperations ?? known;
    const unknown = wanted.filter((name) => !known.includes(name));
    if (unknown.length === 0) return wanted;
    const list = unknown.map((name) => `"${name}"`).join(', ');
    throw new InvalidSettings([
      `WORKER_OPERATIONS: no operation type is called ${list}. Take from ${known.join(', ')}.`,
    ]);
  }

  /** Takes no more work, lets what runs end within the grace period, and hands the rest back. */
  async beforeApplicationShutdown(): Promise<void> {
    const closed = this.processors.map(({ worker }) => worker.close());
    await this.running.drain(this.platform.shutdownGraceSeconds * 1000);
    await Promise.all(closed);
  }

  /** Every worker tries again several times a second while the queue is away; one line a minute says so. */
  private complain({ message }: Error): void {
    const now = Date.now();
    if (now - (this.complained.get(message) ?? 0) < COMPLAIN_EVERY_MS) return;
    this.complained.set(message, now);
    this.logger.warn(`The queue cannot be reached, trying again: ${message}`);
  }

  private checkedProcessors(): Found[] {
    const providers = this.discovery
      .getProviders()
      .filter((wrapper) => wrapper.metatype && contractHandledBy(wrapper.metatype));
    const found = providers.map(processorIn);
    const problems: string[] = [];
    for (const contract of this.types.all()) {
      const names = found.filter((one) => one.contract === contract).map((one) => one.constructor.name);
      if (names.length === 1) continue;
      problems.push(
        names.length === 0
          ? `operation type "${contract.name}" has no processor; provide a class with @HandlesOperation for it`
          : `operation type "${contract.name}" has ${names.length} processors (${names.join(', ')}); keep one`,
      );
    }
    for (const { contract, constructor } of found) {
      if (this.types.find(contract.name) === contract) continue;
      problems.push(`${constructor.name} handles "${contract.name}", which no JobsModule.forFeature([...]) lists`);
    }
    if (problems.length > 0) throw new Error(`The worker cannot start: ${problems.join('; ')}`);
    return providers;
  }
}

function processorIn({ instance }: Found): AnyProcessor {
  return instance as AnyProcessor;
}
