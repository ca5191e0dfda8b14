import { BullRegistrar } from '@nestjs/bullmq';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { PlatformConfig } from '../config/platform.config';
import { OperationTypes } from '../operations/operation-types';
import { contractHandledBy } from './handles-operation';
import { OperationProcessor } from './operation-processor';
import { RunningAttempts } from './running-attempts';
import type { OperationContract } from '../operations/define-operation';

type AnyProcessor = OperationProcessor<OperationContract>;

const COMPLAIN_EVERY_MS = 60_000;

/** Starts the workers of all operation types in processes with the role `worker`, and stops them without loss. */
@Injectable()
export class Workers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Workers.name);
  private processors: AnyProcessor[] = [];
  private readonly complained = new Map<string, number>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly registrar: BullRegistrar,
    private readonly types: OperationTypes,
    private readonly running: RunningAttempts,
    private readonly platform: PlatformConfig,
  ) {}

  /** Throws, so that the process does not start, where an operation type has no processor or two. */
  onApplicationBootstrap(): void {
    if (!this.platform.has('worker')) return;
    this.processors = this.checkedProcessors();
    this.registrar.register();
    for (const { worker } of this.processors) worker.on('error', (error) => this.complain(error));
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

  private checkedProcessors(): AnyProcessor[] {
    const found = this.discovery
      .getProviders()
      .filter((wrapper) => wrapper.metatype && contractHandledBy(wrapper.metatype))
      .map((wrapper) => wrapper.instance as AnyProcessor);
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
    return found;
  }
}
