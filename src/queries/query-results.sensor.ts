import { Injectable } from '@nestjs/common';
import { Sensor } from '../jobs/sensor';
import { ObjectStore } from '../storage/object-store';
import { ObjectSweep } from '../storage/object-sweep';
import { RESULTS } from './execute-query.processor';
import { QueriesConfig } from './queries.config';
import { QueryResultsRepository } from './query-results.repository';

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
    const sweep = new ObjectSweep(this.objects, (found: { key: string; operationId: string }[]) =>
      this.results.stillNeeded(found),
    );
    for await (const { key } of this.objects.list(RESULTS)) await sweep.add({ key, operationId: key.split('/')[1] });
    await sweep.finish();
  }
}
