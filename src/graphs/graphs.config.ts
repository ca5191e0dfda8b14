import { integer, oneOf, Setting } from '../config/setting';

export class GraphsConfig {
  @Setting(
    'BILLING_REQUIRED',
    oneOf('true', 'false'),
    'true: graphs are made by paid subscriptions only, and POST /v1/graphs answers 402',
  )
  readonly billingRequiredSetting: 'true' | 'false' = 'false';

  get billingRequired(): boolean {
    return this.billingRequiredSetting === 'true';
  }

  @Setting(
    'GENERATION_KEEP_HOURS',
    integer({ min: 0, max: 8_760 }),
    'hours that the previous data of a graph is kept after new data went live',
  )
  readonly keepHours: number = 24;

  @Setting(
    'GENERATION_COLLECT_SECONDS',
    integer({ min: 1 }),
    'seconds between two looks for data files that nobody needs any more',
  )
  readonly collectSeconds: number = 60;

  @Setting(
    'GENERATION_DRAIN_SECONDS',
    integer({ min: 0, max: 3_600 }),
    'seconds that running queries may go on reading data that was replaced',
  )
  readonly drainSeconds: number = 60;

  @Setting(
    'GRAPH_QUEUE_SECONDS',
    integer({ min: 1, max: 3_600 }),
    'seconds between two looks whether graphs that wait for a place in their tier can be created',
  )
  readonly queueSeconds: number = 5;
}
