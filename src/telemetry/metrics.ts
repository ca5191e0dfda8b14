import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { AssetReportsSensor } from '../dagster/asset-reports.sensor';
import { RunningAttempts } from '../jobs/running-attempts';
import { OperationLog } from '../operations/operation-log';
import { OperationRetention } from '../operations/operation-retention';
import { StreamCounts } from '../operations/stream-counts';
import { OperationTypes } from '../operations/operation-types';
import { QueueDepths } from './queue-depths';

/**
 * What `GET /metrics` tells. Every number is kept where it arises or lies in the database, and is read when somebody
 * asks: without a collector, metrics cost nothing.
 */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  private readonly registry = new Registry();
  private begun = false;

  constructor(
    private readonly depths: QueueDepths,
    private readonly types: OperationTypes,
    private readonly log: OperationLog,
    private readonly streams: StreamCounts,
    private readonly running: RunningAttempts,
    private readonly retention: OperationRetention,
    private readonly reports: AssetReportsSensor,
  ) {}

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    if (!this.begun) this.begin();
    return this.registry.metrics();
  }

  onApplicationShutdown(): void {
    this.registry.clear();
  }

  /** At the first scrape: from then on the lag of the event loop is sampled. */
  private begin(): void {
    this.begun = true;
    collectDefaultMetrics({ register: this.registry });
    this.ofTheInstallation();
    this.ofThisProcess();
  }

  private ofTheInstallation(): void {
    const { depths, types } = this;
    const registers = [this.registry];
    new Gauge({
      name: 'graphstead_operations',
      help: 'Operations that wait or run in the whole installation',
      labelNames: ['type', 'status'],
      registers,
      async collect() {
        const { operations } = await depths.current();
        this.reset();
        // A type that has none says 0, so that an alert can tell "none" from "nobody said".
        for (const { name: type } of types.all()) {
          for (const status of ['pending', 'running']) this.set({ type, status }, 0);
        }
        for (const { type, status, operations: count } of operations) this.set({ type, status }, count);
      },
    });
    new Gauge({
      name: 'graphstead_operation_oldest_pending_seconds',
      help: 'How long the first waiting operation of a type has been due',
      labelNames: ['type'],
      registers,
      async collect() {
        const { operations } = await depths.current();
        this.reset();
        for (const { name: type } of types.all()) this.set({ type }, 0);
        for (const { type, status, oldestSeconds } of operations) {
          if (status === 'pending') this.set({ type }, oldestSeconds);
        }
      },
    });
    new Gauge({
      name: 'graphstead_dead_letters',
      help: 'Dead letters that nobody has retried or discarded',
      labelNames: ['type'],
      registers,
      async collect() {
        const { deadLetters } = await depths.current();
        this.reset();
        for (const { name: type } of types.all()) this.set({ type }, 0);
        for (const { type, open } of deadLetters) this.set({ type }, open);
      },
    });
  }

  private ofThisProcess(): void {
    const { log, streams, running, retention, reports } = this;
    const registers = [this.registry];
    new Gauge({
      name: 'graphstead_event_streams',
      help: 'Event streams that are open on this process',
      registers,
      collect() {
        this.set(streams.openCount);
      },
    });
    new Gauge({
      name: 'graphstead_worker_operations',
      help: 'Operations that run in this process',
      registers,
      collect() {
        this.set(running.count);
      },
    });
    new Counter({
      name: 'graphstead_attempts_ended_total',
      help: 'Attempts that this process has ended; "lost" are those of other workers that went silent',
      labelNames: ['type', 'outcome'],
      registers,
      collect() {
        this.reset();
        for (const { type, outcome, count } of log.endedAttempts.all()) this.inc({ type, outcome }, count);
      },
    });
    new Counter({
      name: 'graphstead_refused_writes_total',
      help: 'Writes of attempts that were not the current ones any more, refused in this process',
      registers,
      collect() {
        this.reset();
        this.inc(log.refusedWrites);
      },
    });
    new Counter({
      name: 'graphstead_operations_pruned_total',
      help: 'Operations that this process has removed from the history',
      registers,
      collect() {
        this.reset();
        this.inc(retention.pruned);
      },
    });
    new Counter({
      name: 'graphstead_dagster_reports_total',
      help: 'Reports on assets that this process has delivered to Dagster, or given up',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        this.inc({ outcome: 'delivered' }, reports.delivered);
        this.inc({ outcome: 'dropped' }, reports.dropped);
      },
    });
    new Counter({
      name: 'graphstead_leases_lost_total',
      help: 'Operations that this process lost to others while it ran them',
      registers,
      collect() {
        this.reset();
        this.inc(running.lostLeases);
      },
    });
  }
}
