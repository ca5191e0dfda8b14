import { Injectable } from '@nestjs/common';
import { OperationRetention } from '../operations/operation-retention';
import { OperationTypes } from '../operations/operation-types';
import { JobsConfig } from './jobs.config';
import { Sensor } from './sensor';

/** Small enough that its transaction holds nobody up, though an operation may have thousands of events. */
const BATCH = 100;
/** Of types that this version does not know. */
const DEFAULT_DAYS = 30;

/** Removes from the history what is older than its type is kept, or than `OPERATION_RETENTION_DAYS` says. */
@Injectable()
export class RetentionSensor extends Sensor {
  constructor(
    private readonly retention: OperationRetention,
    private readonly operationTypes: OperationTypes,
    private readonly config: JobsConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.retentionCheckSeconds * 1000;
  }

  async look(): Promise<void> {
    for (const type of await this.retention.types()) {
      const days = this.config.retentionDays ?? this.operationTypes.find(type)?.policy.retentionDays ?? DEFAULT_DAYS;
      while ((await this.retention.prune(type, days, BATCH)) === BATCH);
    }
  }
}
