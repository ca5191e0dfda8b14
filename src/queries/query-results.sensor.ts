import { Injectable } from '@nestjs/common';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { RESULTS } from './execute-query.processor';
import { QueriesConfig } from './queries.config';
import { QueryResultsRepository } from './query-results.repository';

const BATCH = 500;

/** Removes results whose time is over, and bytes that no result names: their operation or graph is gone, or an attempt died. */
@Injectable()
export class QueryResultsSensor extends Sensor {
  constructor(
    private readonly results: QueryResultsRepository,
    private readonly objects: ObjectStore,
    private readonly config: QueriesConfig,
  ) {
    super();
  }

  protected get intervalMs(): number {
    return this.config.resultSweepSeconds * 1_000;
  }

  async look(): Promise<void> {
    for (const key of await this.results.expireDue()) await this.objects.delete(key);
    let batch: { key: string; operationId: string }[] = [];
    for await (const { key } of this.objects.list(RESULTS)) {
      batch.push({ key, operationId: key.split('/')[1] });
      if (batch.length === BATCH) {
        await this.removeUnneeded(batch);
        batch = [];
      }
    }
    await this.removeUnneeded(batch);
  }

  private async removeUnneeded(keys: { key: string; operationId: string }[]): Promise<void> {
    if (keys.length === 0) return;
    const needed = await this.results.stillNeeded(keys);
    for (const { key } of keys) if (!needed.has(key)) await this.objects.delete(key);
  }
}
