import { BullModule } from '@nestjs/bullmq';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { OperationContract } from '../operations/define-operation';
import { OperationTypes } from '../operations/operation-types';
import { OperationsModule } from '../operations/operations.module';
import { AttemptEndings } from './attempt-endings';
import { AttemptsRepository } from './attempts.repository';
import { DeadLettersController } from './dead-letters.controller';
import { DeadLettersRepository } from './dead-letters.repository';
import { DeadLettersService } from './dead-letters.service';
import { Dispatcher } from './dispatcher';
import { FairShares } from './fair-shares';
import { LeaseGuard } from './lease-guard';
import { OperationRuntime } from './operation-runtime';
import { QueueModule } from './queue.module';
import { Queues } from './queues';
import { Reaper } from './reaper.sensor';
import { RetentionSensor } from './retention.sensor';
import { RetriesController } from './retries.controller';
import { RetriesService } from './retries.service';
import { RunningAttempts } from './running-attempts';
import { Sweeper } from './sweeper.sensor';
import { WorkDirectories } from './work-directories';
import { UnknownTypes } from './unknown-types.sensor';
import { Workers } from './workers';

/** Runs operations: delivery, workers and the sensors that look after both. Everything of it that features use is global. */
@Global()
@Module({
  imports: [OperationsModule, QueueModule, DiscoveryModule],
  controllers: [DeadLettersController, RetriesController],
  providers: [
    AttemptEndings,
    AttemptsRepository,
    DeadLettersRepository,
    DeadLettersService,
    Dispatcher,
    FairShares,
    LeaseGuard,
    OperationRuntime,
    Queues,
    Reaper,
    RetentionSensor,
    RetriesService,
    RunningAttempts,
    Sweeper,
    UnknownTypes,
    Workers,
    WorkDirectories,
  ],
  exports: [OperationsModule, OperationRuntime, Queues, Dispatcher, RunningAttempts, WorkDirectories],
})
class JobsCoreModule {}

@Module({})
export class JobsModule {
  /** Once, in the root module. */
  static forRoot(): DynamicModule {
    return { module: JobsModule, imports: [JobsCoreModule] };
  }

  /** In each feature module: the operation types that it owns. Their processors are providers of the same module. */
  static forFeature(contracts: OperationContract[]): DynamicModule {
    const registered = Symbol('operation types of a feature');
    return {
      module: JobsModule,
      imports: [BullModule.registerQueue(...contracts.map(({ name }) => ({ name, skipMetasUpdate: true })))],
      providers: [
        {
          provide: registered,
          inject: [OperationTypes],
          useFactory: (types: OperationTypes) => {
            for (const contract of contracts) types.register(contract);
            return contracts;
          },
        },
      ],
    };
  }
}
