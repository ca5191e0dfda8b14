import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Transactor } from '../database/transactor';
import { DagsterJobsService, type Runner } from '../dagster/dagster-jobs.service';
import { GenerationsService } from '../graphs/generations.service';
import type { Generation, Graph } from '../graphs/graph.entity';
import { GraphsService } from '../graphs/graphs.service';
import { LiveGraphs } from '../graphs/live-graphs';
import { requireRoomToday } from '../limits/daily-limit';
import { ContentTooLarge } from '../limits/limits.errors';
import { TierTable } from '../limits/tier-table';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { SchemasService } from '../schemas/schemas.service';
import { GraphStanding } from '../staging/graph-standing';
import { StagingService } from '../staging/staging.service';
import type { MaterializeDto } from './dto/materialize.dto';
import type { DryRun } from './dto/dry-run.dto';
import { DryRuns } from './dry-runs';
import { expectedContent, leastContent } from './least-content';
import { type Counts, NO_ROWS } from './load-plan';
import { type Mode, planMaterialization } from './materialization-plan';
import { MaterializationsRepository, type PastMaterialization } from './materializations.repository';
import { MaterializeGraph } from './materialization.operations';

function modeOf(request: MaterializeDto): Mode {
  return request.rebuild ? 'rebuild' : request.mode;
}

const MS_PER_HOUR = 3_600_000;

/** Starts materializations and says how the graph and its staging tables stand to each other. */
@Injectable()
export class MaterializationService {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
    private readonly tiers: TierTable,
    private readonly generations: GenerationsService,
    private readonly live: LiveGraphs,
    private readonly staging: StagingService,
    private readonly standing: GraphStanding,
    private readonly schemas: SchemasService,
    private readonly dryRuns: DryRuns,
    private readonly past: MaterializationsRepository,
    private readonly dagster: DagsterJobsService,
  ) {}

  /**
   * Starts building the graph from what is staged, or a job of Dagster that calls back for it. Throws `GraphNotReady`
   * before its first generation, and why Dagster cannot.
   */
  async request(actor: Actor, graphId: string, request: MaterializeDto, runner?: Runner): Promise<Operation> {
    const inDagster = this.dagster.runs(MaterializeGraph.name, runner);
    const graph = await this.graphs.active(graphId);
    const mode = modeOf(request);
    await this.refuseHopeless(graph, mode);
    const { materializations_per_day: limit } = this.tiers.of(graph.tier);
    return this.transactor.run(async (em) => {
      await requireRoomToday(em, { graphId, type: MaterializeGraph.name, limit, what: 'materializations' });
      const of = { actor, orgId: graph.orgId, graphId };
      const { force, ignore_errors } = request;
      const operation = inDagster
        ? await this.dagster.begin(em, { ...of, type: MaterializeGraph.name, options: { force, ignore_errors, mode } })
        : await this.operations.begin(em, MaterializeGraph, {
            ...of,
            payload: { force, ignoreErrors: ignore_errors, mode },
          });
      await this.audit.record(em, {
        actor,
        action: 'graph.materialization_requested',
        target: graphId,
        orgId: graph.orgId,
      });
      return operation;
    });
  }

  /** Says what {@link request} would do, and changes nothing. Throws what makes the plan impossible. */
  async dryRun(graphId: string, request: MaterializeDto): Promise<DryRun> {
    const graph = await this.graphs.active(graphId);
    const [staged, live] = await Promise.all([this.staging.snapshot(graph), this.graphs.liveGeneration(graphId)]);
    const plan = planMaterialization(modeOf(request), staged, live, { force: request.force });
    const checked = plan.mode === 'none' ? null : await this.dryRuns.check(graph, live, plan);
    const tooLarge = this.tooLarge(graph, expectedContent(plan, checked, live?.manifest ?? NO_ROWS));
    return { graph, live, plan, staged, checked, limits: this.tiers.of(graph.tier), tooLarge };
  }

  /**
   * Makes the data from before the last publish live again; `expected` is the generation that the caller takes for live.
   * Throws `GraphBusy` while an operation changes the graph, and what `GenerationsService.takeBack` throws.
   */
  async takeBack(actor: Actor, graphId: string, expected?: number): Promise<{ from: Generation; to: Generation }> {
    const taken = await this.transactor.run(async (em) => {
      const graph = await this.graphs.active(graphId);
      await this.standing.requireUnchanging(em, graphId);
      const { from, to } = await this.generations.takeBack(em, graphId, expected);
      await this.schemas.noteTakenBack(em, actor, graphId, { from, to });
      await this.standing.noteHeld(em, graphId, {
        files: to.files,
        generation: to.number,
        reason: `generation ${from.number} was taken back`,
        behind: to.behind,
        materializations: 0,
      });
      const details = { from_generation: from.number, to_generation: to.number };
      await this.audit.record(em, {
        actor,
        action: 'graph.generation_taken_back',
        target: graphId,
        orgId: graph.orgId,
        details,
      });
      return { from, to };
    });
    // Whoever has the answer asks the data from before.
    this.live.forget(graphId);
    return taken;
  }

  /** What was published so far, newest first. */
  history(
    graphId: string,
    page: { limit: number; offset: number },
  ): Promise<{ materializations: PastMaterialization[]; total: number }> {
    return this.past.list(graphId, page);
  }

  async status(graphId: string, now: Date): Promise<object> {
    const graph = await this.graphs.get(graphId);
    const last = graph.lastMaterializedAt;
    return {
      graph_id: graphId,
      is_stale: graph.staleReason !== null,
      message:
        graph.staleReason === null
          ? last === null
            ? 'Nothing was staged or materialized yet'
            : 'The graph holds what is staged'
          : `The graph does not hold what is staged: ${graph.staleReason}`,
      stale_reason: graph.staleReason,
      stale_since: graph.staleSince?.toISOString() ?? null,
      last_materialized_at: last?.toISOString() ?? null,
      materialization_count: graph.materializationCount,
      hours_since_materialization: last === null ? null : (now.getTime() - last.getTime()) / MS_PER_HOUR,
      generation: graph.liveGeneration,
    };
  }

  private tooLarge(graph: Graph, content: Counts): ContentTooLarge | null {
    try {
      this.tiers.requireContent(graph.tier, content);
      return null;
    } catch (error) {
      if (error instanceof ContentTooLarge) return error;
      throw error;
    }
  }

  /** What is certain not to end well is refused at once: a plan that cannot be, or more rows than the tier allows. */
  private async refuseHopeless(graph: Graph, mode: Mode): Promise<void> {
    const [staged, live] = await Promise.all([this.staging.snapshot(graph), this.graphs.liveGeneration(graph.id)]);
    // With nothing staged there is an operation all the same, which says so.
    if (staged.length === 0) return;
    const plan = planMaterialization(mode, staged, live);
    this.tiers.requireContent(graph.tier, leastContent(graph.schema, plan, live?.manifest ?? NO_ROWS));
  }
}
