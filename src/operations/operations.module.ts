import { Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessTargets } from '../auth/access-targets';
import { OPERATION_ID } from '../common/ids';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { LostAnswers } from '../idempotency/lost-answers';
import { toStartedDto } from './dto/operation.dto';
import { BulkCancel } from './bulk-cancel';
import { EventBatches } from './event-batches';
import { EventFeed } from './event-feed';
import { OperationEndings } from './operation-endings';
import { OperationHistory } from './operation-history';
import { OperationHistoryController } from './operation-history.controller';
import { OperationLog } from './operation-log';
import { OperationRetention } from './operation-retention';
import { OperationStreams } from './operation-streams';
import { OperationTypes } from './operation-types';
import { Operation, OperationEvent } from './operation.entity';
import { OperationsController } from './operations.controller';
import { OperationsRepository } from './operations.repository';
import { OperationsService } from './operations.service';
import { OpenStreams } from './open-streams';
import { OrgEventFeed } from './org-event-feed';
import { OrgEventLog } from './org-event-log';
import { OrgEventsController } from './org-events.controller';
import { OrgStreams } from './org-streams';
import { QueuePositions } from './queue-positions';
import { QueueRates } from './queue-rates';
import { StreamCounts } from './stream-counts';
import { Outbox } from './outbox';

/** Operations as seen from outside: begin, watch, cancel. The `jobs` module runs them. */
@Module({
  imports: [IdempotencyModule, TypeOrmModule.forFeature([Operation, OperationEvent])],
  controllers: [OperationHistoryController, OperationsController, OrgEventsController],
  providers: [
    BulkCancel,
    EventBatches,
    EventFeed,
    OperationEndings,
    OperationHistory,
    OperationLog,
    OperationRetention,
    OperationsRepository,
    OperationsService,
    OperationStreams,
    OperationTypes,
    OpenStreams,
    OrgEventFeed,
    OrgEventLog,
    OrgStreams,
    QueuePositions,
    QueueRates,
    StreamCounts,
    Outbox,
  ],
  exports: [
    EventBatches,
    EventFeed,
    OperationEndings,
    OperationLog,
    OperationRetention,
    OperationsRepository,
    OperationsService,
    OperationStreams,
    OperationTypes,
    Outbox,
    StreamCounts,
  ],
})
export class OperationsModule implements OnModuleInit {
  constructor(
    private readonly targets: AccessTargets,
    private readonly repository: OperationsRepository,
    private readonly lostAnswers: LostAnswers,
  ) {}

  onModuleInit(): void {
    this.targets.register('operation_id', (id) =>
      OPERATION_ID.test(id) ? this.repository.find(id) : Promise.resolve(null),
    );
    this.lostAnswers.register(async (id) => {
      const operation = await this.repository.find(id);
      return operation && toStartedDto(operation);
    });
  }
}
