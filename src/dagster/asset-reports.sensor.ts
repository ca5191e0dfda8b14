import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { Sensor } from '../jobs/sensor';
import { AssetReportsRepository, type DueReport } from './asset-reports.repository';
import { DagsterClient } from './dagster-client';
import { DagsterConfig } from './dagster.config';

/** Operations whose success is a new state of an asset, by their types; the type is the last part of the asset's key. */
export const REPORTED = [
  'graph_creation',
  'graph_provisioning',
  'graph_materialization',
  'subgraph_creation',
  'subgraph_fork',
  'graph_tier_change',
];
const INTERVAL_MS = 2_000;
const AT_ONCE = 50;
/** What ended longer ago is not reported any more. */
const OLDEST_MS = 86_400_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_TEXT = 500;

/**
 * Tells Dagster of graphs that were made and filled, as materializations of assets. At best: it waits for nobody's
 * operation, each report may take `DAGSTER_REPORT_SECONDS`, and after `DAGSTER_REPORT_TRIES` it is dropped and counted.
 * Two processes that look at once may report the same twice, which an asset's history bears.
 */
@Injectable()
export class AssetReportsSensor extends Sensor {
  protected readonly intervalMs = INTERVAL_MS;
  /** Since the start of this process. */
  delivered = 0;
  dropped = 0;

  constructor(
    private readonly reports: AssetReportsRepository,
    private readonly client: DagsterClient,
    private readonly config: DagsterConfig,
    private readonly clock: Clock,
  ) {
    super();
  }

  async look(): Promise<void> {
    if (!this.config.reports) return;
    const since = new Date(this.clock.now().getTime() - OLDEST_MS);
    for (const report of await this.reports.due(REPORTED, since, AT_ONCE)) {
      // While it does not answer, the others of this look have no better luck.
      if (this.stopped || !(await this.deliver(report))) return;
    }
  }

  private async deliver(report: DueReport): Promise<boolean> {
    const { operationId, tries } = report;
    // Nothing was made: it found that all was there already.
    if (report.result?.skipped !== true) {
      try {
        const path = `/report_asset_materialization/${encodeURIComponent(this.config.assetPrefix)}/${report.type}`;
        await this.client.report(path, bodyOf(report), { timeoutMs: this.config.reportSeconds * 1_000 });
        this.delivered += 1;
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        const dropped = tries + 1 >= this.config.reportTries;
        if (dropped) this.dropped += 1;
        this.logger.warn(`${operationId} is not reported to Dagster${dropped ? ' at all' : ' yet'}: ${error.message}`);
        await this.reports.noteFailed(operationId, { waitMs: FIRST_RETRY_MS * 2 ** tries, dropped });
        return false;
      }
    }
    await this.reports.noteDelivered(operationId);
    return true;
  }
}

/** Numbers and short words of the result, and where it comes from. */
function bodyOf({ operationId, type, graphId, result }: DueReport): object {
  const metadata = Object.fromEntries(
    Object.entries(result ?? {}).filter(
      ([, value]) =>
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (typeof value === 'string' && value.length <= LONGEST_TEXT),
    ),
  );
  return {
    metadata: { ...metadata, operation_id: operationId, ...(graphId !== null && { graph_id: graphId }) },
    data_version: operationId,
    description: `${type} of ${graphId ?? 'no graph'} in Graphstead`,
  };
}
