import { Injectable } from '@nestjs/common';
import { OperationEndings } from '../operations/operation-endings';
import { failed } from '../operations/operation-events';
import { OperationTypes } from '../operations/operation-types';
import { AttemptsRepository } from './attempts.repository';
import { JobsConfig } from './jobs.config';
import { Sensor } from './sensor';

const BATCH = 100;

/**
 * Ends pending operations of types that no process runs, such as those that an older version has left behind. While a
 * newer version is being rolled out its processes do run their types, and what runs anywhere is not touched: not before
 * `UNKNOWN_TYPE_SECONDS` without a single run of that type.
 */
@Injectable()
export class UnknownTypes extends Sensor {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly endings: OperationEndings,
    private readonly types: OperationTypes,
    private readonly config: JobsConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.unknownTypeCheckSeconds * 1000;
  }

  async look(): Promise<void> {
    const known = this.types.all().map(({ name }) => name);
    const { unknownTypeSeconds } = this.config;
    for (const { id, type } of await this.attempts.unclaimed(known, unknownTypeSeconds, BATCH)) {
      const error = {
        code: 'unknown_operation_type',
        message: 'No part of this installation does such work any more; an operator can look into it',
        details: { operation_type: type },
      };
      // From "pending" alone: of two processes that look at once, one is refused.
      const ended = await this.endings.end(
        { operationId: id, from: 'pending', event: failed(error, true), set: { error } },
        { deadLetter: 'unknown_type' },
      );
      if (ended) this.logger.error(`${id}: dead letter, since no process runs operations of type ${type}`);
    }
  }
}
