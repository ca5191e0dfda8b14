import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { InvalidRequest } from '../common/problem.filter';
import { Transactor } from '../database/transactor';
import { GraphEngine, type GenerationRef } from '../engine/graph-engine';
import { GenerationsService } from '../graphs/generations.service';
import type { Graph } from '../graphs/graph.entity';
import { GraphNotReady, notUsable } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import { TierTable } from '../limits/tier-table';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import type { CreateSubgraphDto } from './dto/create-subgraph.dto';
import type { Family, KnownSubgraph } from './dto/subgraph.dto';
import { readExpiry } from './expiry';
import { FORK_OPTIONS_PATH, type ForkOptions, readForkOptions } from './fork-options';
import { selectFork } from './fork-selection';
import type { Lineage } from './subgraph';
import { extendedSchema } from './subgraph-schema';
import {
  NoSubgraphsOfSubgraphs,
  SubgraphLimitReached,
  SubgraphNameTaken,
  SubgraphNotForked,
  SubgraphNotFound,
} from './subgraphs.errors';
import { CreateSubgraph, ForkSubgraph, ResetSubgraph } from './subgraphs.operations';
import { SubgraphsRepository } from './subgraphs.repository';

/** Making subgraphs, and what is known of them. Deleting: `SubgraphRemovals`. */
@Injectable()
export class SubgraphsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly subgraphs: SubgraphsRepository,
    private readonly operations: OperationsService,
    private readonly generations: GenerationsService,
    private readonly engine: GraphEngine,
    private readonly tiers: TierTable,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** Starts making a subgraph. What is refused stands in the audit log as well. */
  async requestCreation(actor: Actor, parentId: string, request: CreateSubgraphDto): Promise<Operation> {
    const parent = await this.graphs.get(parentId);
    const { name, fork_parent: fork } = request;
    const entry = { actor, action: 'subgraph.creation_requested', target: parentId, orgId: parent.orgId };
    return this.audit.noteRefusal({ ...entry, details: { name, fork } }, () =>
      this.begin(actor, parent, { ...request, name: name.toLowerCase() }),
    );
  }

  private async begin(actor: Actor, parent: Graph, request: CreateSubgraphDto): Promise<Operation> {
    if (parent.parentId !== null) throw new NoSubgraphsOfSubgraphs(parent.parentId);
    const { name } = request;
    const graphId = `${parent.id}_${name}`;
    const expiresAt = readExpiry(request.subgraph_type, request.expires_at ?? null, this.clock.now());
    const schema = extendedSchema(parent.schema, request.schema_extensions ?? []);
    const options = await this.checkFork(parent, request);
    return this.transactor.run(async (em) => {
      const last = await this.requirePlace(em, parent);
      const graph = {
        id: graphId,
        orgId: parent.orgId,
        parentId: parent.id,
        name: request.display_name,
        description: request.description ?? null,
        tags: [],
        tier: parent.tier,
        schema,
      };
      if (!(await this.graphs.register(em, graph, actor.userId))) throw await this.nameTaken(em, parent.id, name);
      await this.subgraphs.insert(em, {
        graphId,
        name,
        index: last + 1,
        type: request.subgraph_type,
        metadata: request.metadata ?? null,
        forked: request.fork_parent,
        forkOptions: options,
        expiresAt,
      });
      const by = { actor, orgId: parent.orgId, graphId };
      const operation = request.fork_parent
        ? await this.operations.begin(em, ForkSubgraph, { ...by, payload: { options } })
        : await this.operations.begin(em, CreateSubgraph, { ...by, payload: {} });
      await this.subgraphs.setOperation(em, graphId, operation.id);
      const details = { operation_id: operation.id, parent_graph_id: parent.id, fork: request.fork_parent };
      await this.audit.record(em, {
        actor,
        action: 'subgraph.creation_requested',
        target: graphId,
        orgId: parent.orgId,
        details,
      });
      return operation;
    });
  }

  /** What the fork is to take, as it was sent. Throws `InvalidRequest` with all that the parent's schema speaks against. */
  private async checkFork(parent: Graph, request: CreateSubgraphDto): Promise<ForkOptions | null> {
    const options = readForkOptions(request.metadata);
    if (!request.fork_parent) {
      if (options === null) return null;
      const msg = 'say what a fork takes, and this is none: send fork_parent: true';
      throw new InvalidRequest([{ loc: FORK_OPTIONS_PATH, msg, type: 'fork_parent' }]);
    }
    const { nodes } = selectFork(options, parent.schema);
    const live = await this.generations.live(parent.id);
    if (live === null) throw notUsable(parent.id, parent.status);
    for (const { type, condition } of nodes) {
      if (condition !== undefined) await this.checkCondition(live, type.name, condition);
    }
    return options;
  }

  private async checkCondition(live: GenerationRef, table: string, condition: string): Promise<void> {
    try {
      await this.engine.checkCondition(live, table, condition);
    } catch (error) {
      // Whatever the engine says of a statement; a lost process is nobody's mistake.
      if (!(error instanceof DomainError) || error.retryable || error.kind === 'unavailable') throw error;
      const loc = [...FORK_OPTIONS_PATH, 'where', table];
      throw new InvalidRequest([{ loc, msg: error.message, type: error.code }]);
    }
  }

  /**
   * Makes sure that one more subgraph fits, and keeps it so until the caller's transaction ends: two requests at once cannot
   * both take the last place. The highest index so far. Throws {@link SubgraphLimitReached}, `GraphNotReady`.
   */
  async requirePlace(em: EntityManager, parent: Pick<Graph, 'id' | 'tier'>): Promise<number> {
    const { status, subgraphs, last } = await this.subgraphs.lockParent(em, parent.id);
    if (status !== 'active') throw notUsable(parent.id, status);
    const { max_subgraphs: max } = this.tiers.of(parent.tier);
    if (subgraphs >= max) throw new SubgraphLimitReached(parent.tier, max);
    return last;
  }

  /**
   * Gives a subgraph another end, or none. Throws {@link SubgraphNotFound}, `GraphNotReady` where it is being deleted, and
   * `InvalidRequest` for an end that its type does not have.
   */
  async setExpiry(actor: Actor, parentId: string, name: string, expiresAt: string | null): Promise<void> {
    await this.transactor.run(async (em) => {
      await this.subgraphs.lockParent(em, parentId);
      const subgraph = await this.subgraphs.find(parentId, name, em);
      if (subgraph === null) throw new SubgraphNotFound(name);
      const { graphId, orgId, type, status } = subgraph;
      if (status === 'deleting') throw new GraphNotReady(graphId, status);
      const until = readExpiry(type, expiresAt, this.clock.now());
      await this.subgraphs.setExpiry(em, graphId, until);
      const details = { expires_at: until?.toISOString() ?? null };
      await this.audit.record(em, { actor, action: 'subgraph.expiry_changed', target: graphId, orgId, details });
    });
  }

  /**
   * Starts taking the parent's data once more. Throws {@link SubgraphNotFound}, {@link SubgraphNotForked}, `GraphNotReady`,
   * `OperationConflict` while an operation changes it. What is refused stands in the audit log as well.
   */
  async requestReset(actor: Actor, parentId: string, name: string): Promise<Operation> {
    const { orgId } = await this.graphs.get(parentId);
    const entry = { actor, action: 'subgraph.reset_requested', target: parentId, orgId, details: { name } };
    return this.audit.noteRefusal(entry, () => this.beginReset(actor, parentId, name));
  }

  private beginReset(actor: Actor, parentId: string, name: string): Promise<Operation> {
    return this.transactor.run(async (em) => {
      const subgraph = await this.subgraphs.find(parentId, name, em);
      if (subgraph === null) throw new SubgraphNotFound(name);
      if (!subgraph.forked) throw new SubgraphNotForked(name);
      const { id: graphId, orgId } = await this.graphs.active(subgraph.graphId);
      const operation = await this.operations.begin(em, ResetSubgraph, { actor, orgId, graphId, payload: {} });
      const details = { operation_id: operation.id };
      await this.audit.record(em, { actor, action: 'subgraph.reset_requested', target: graphId, orgId, details });
      return operation;
    });
  }

  /** Throws {@link SubgraphNotFound}. */
  async info(parentId: string, name: string): Promise<KnownSubgraph & { lineage: Lineage | null }> {
    const subgraph = await this.subgraphs.find(parentId, name);
    if (subgraph === null) throw new SubgraphNotFound(name);
    const [states, lineage] = await Promise.all([
      this.subgraphs.states([subgraph.graphId]),
      this.subgraphs.lineage(subgraph.graphId),
    ]);
    return { subgraph, state: states.get(subgraph.graphId)!, lineage };
  }

  /** The subgraphs of a graph, and what its tier allows. */
  async family(parentId: string): Promise<Family> {
    const [parent, found] = await Promise.all([this.graphs.get(parentId), this.subgraphs.list(parentId)]);
    const states = await this.subgraphs.states(found.map(({ graphId }) => graphId));
    const members = found.map((subgraph) => ({ subgraph, state: states.get(subgraph.graphId)! }));
    return { parent, limits: this.tiers.of(parent.tier), members };
  }

  private async nameTaken(em: EntityManager, parentId: string, name: string): Promise<SubgraphNameTaken> {
    const taken = new Set((await this.subgraphs.list(parentId, em)).map((one) => one.name));
    const suggestion = Array.from(taken, (_, at) => `${name.slice(0, 17)}${at + 2}`).find((one) => !taken.has(one));
    return new SubgraphNameTaken(name, suggestion ?? `${name.slice(0, 17)}1`);
  }
}
