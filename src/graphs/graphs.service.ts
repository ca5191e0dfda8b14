import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { GraphNotFound } from '../auth/auth.errors';
import { Ids } from '../common/ids';
import { Transactor } from '../database/transactor';
import { GraphEngine, type HostStatus } from '../engine/graph-engine';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { GraphMembersService } from '../orgs/graph-members.service';
import { OrgsService } from '../orgs/orgs.service';
import { composeSchema } from '../schemas/compose-schema';
import type { GraphSchema } from '../schemas/graph-schema';
import type { CreateGraphDto } from './dto/create-graph.dto';
import { GraphCapacity, placeIn } from './graph-capacity';
import { GenerationsService } from './generations.service';
import type { Generation, Graph } from './graph.entity';
import {
  GraphHasSubgraphs,
  GraphIsRead,
  GraphNotReady,
  notUsable,
  NoOrganisation,
  OrganisationAmbiguous,
} from './graphs.errors';
import { CreateGraph, DeleteGraph } from './graphs.operations';
import { type GraphPage, GraphsRepository, type ListedGraph, type NewGraph } from './graphs.repository';

/** `position` 1 is next. */
export interface QueuePlace {
  operationId: string;
  position: number;
  heldFor: string;
}

/** Creating, finding, sharing and removing graphs. */
@Injectable()
export class GraphsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsRepository,
    private readonly generations: GenerationsService,
    private readonly members: GraphMembersService,
    private readonly orgs: OrgsService,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
    private readonly engine: GraphEngine,
    private readonly capacity: GraphCapacity,
    private readonly ids: Ids,
  ) {}

  /**
   * Registers a graph and starts building its first, empty generation; where its tier is full it waits in line for a place.
   * The creator becomes its admin.
   */
  async requestCreation(actor: Actor, request: CreateGraphDto): Promise<Operation> {
    const { metadata } = request;
    const schema = composeSchema({
      custom: request.custom_schema,
      extensions: metadata.schema_extensions,
      name: metadata.graph_name,
    });
    const orgId = await this.orgFor(actor, request.org_id);
    const graphId = this.ids.graph();
    const graph = {
      id: graphId,
      orgId,
      name: metadata.graph_name,
      description: metadata.description ?? null,
      tags: [...new Set([...(metadata.tags ?? []), ...(request.tags ?? [])])],
      tier: request.instance_tier,
      schema,
    };
    return this.transactor.run(async (em) => {
      await this.orgs.requireRoomForGraph(em, orgId);
      const operation = await this.beginCreation(em, actor, graph, (waiting) =>
        this.operations.begin(em, CreateGraph, { actor, orgId, graphId, payload: {}, ...waiting }),
      );
      await this.audit.record(em, { actor, action: 'graph.creation_requested', target: graphId, orgId });
      return operation;
    });
  }

  /** Registers a graph with its place, or in line for one, and begins the operation that creates it. `owner` becomes its admin. */
  async beginCreation(
    em: EntityManager,
    owner: Pick<Actor, 'userId'> | null,
    graph: Omit<NewGraph, 'parentId' | 'status'>,
    begin: (waiting: { heldFor?: string }) => Promise<Operation>,
  ): Promise<Operation> {
    const placed = await this.capacity.hasRoom(em, graph.tier);
    await this.graphs.insert(em, { ...graph, ...(!placed && { status: 'queued' }) }, owner?.userId ?? null);
    if (owner !== null) await this.members.insert(em, graph.id, owner.userId, 'admin');
    return begin(placed ? {} : { heldFor: placeIn(graph.tier) });
  }

  /** A graph without a first generation is of no use: it gives its place back and stays in the list until it is deleted. */
  async failCreation(em: EntityManager, graphId: string): Promise<void> {
    await this.graphs.move(em, graphId, 'failed');
  }

  /**
   * Has a graph whose creation failed created after all, by an operation that was begun in this transaction. It needs a place
   * once more, and waits where there is none. Throws {@link GraphNotReady} where it was deleted in the meantime.
   */
  async reopenCreation(em: EntityManager, graphId: string, operationId: string): Promise<void> {
    const graph = await this.graphs.find(graphId, em);
    if (graph?.status !== 'failed') throw new GraphNotReady(graphId, graph?.status ?? 'deleted');
    const placed = await this.capacity.hasRoom(em, graph.tier);
    if (!placed) await this.operations.hold(em, operationId, placeIn(graph.tier));
    await this.graphs.move(em, graphId, placed ? 'provisioning' : 'queued');
  }

  /**
   * Starts removing a graph and everything in it; from now on nobody can use it. Throws {@link GraphHasSubgraphs} unless
   * they shall go with it, and {@link GraphIsRead} while others pay for reading it.
   */
  requestDeletion(actor: Actor, graphId: string, options: { cascade: boolean }): Promise<Operation> {
    return this.transactor.run((em) => this.beginDeletion(em, actor, graphId, options));
  }

  /** Throws {@link GraphIsRead} while others pay for reading it. */
  async requireUnread(em: EntityManager, graphId: string): Promise<void> {
    const readers = await this.graphs.readers(em, graphId);
    if (readers > 0) throw new GraphIsRead(graphId, readers);
  }

  /** The same in the caller's transaction, from which on the graph is locked. Without `actor` the platform does it. */
  async beginDeletion(
    em: EntityManager,
    actor: Actor | null,
    graphId: string,
    { cascade }: { cascade: boolean },
  ): Promise<Operation> {
    const { orgId } = await this.get(graphId);
    const subgraphs = await this.graphs.lockWithSubgraphs(em, graphId);
    if (subgraphs.length > 0 && !cascade) throw new GraphHasSubgraphs(graphId, subgraphs);
    await this.requireUnread(em, graphId);
    const operation = await this.operations.begin(em, DeleteGraph, {
      actor,
      orgId,
      graphId,
      payload: {},
      alsoGraphs: subgraphs,
    });
    for (const id of [graphId, ...subgraphs]) {
      await this.graphs.move(em, id, 'deleting');
      const details = { operation_id: operation.id, ...(id !== graphId && { with_parent: graphId }) };
      await this.audit.record(em, { actor, action: 'graph.deletion_requested', target: id, orgId, details });
    }
    return operation;
  }

  /**
   * Registers a graph that another feature builds; false where one with its id is there. Throws `TierFull` where it is not a
   * subgraph and its tier has no place.
   */
  async register(em: EntityManager, graph: NewGraph, createdBy: string | null): Promise<boolean> {
    if (graph.parentId === undefined) await this.capacity.requireRoom(em, graph.tier);
    return this.graphs.insert(em, graph, createdBy);
  }

  /** In the transaction that makes a generation live: the schema that it has becomes the graph's. */
  adoptSchema(
    em: EntityManager,
    graphId: string,
    schema: GraphSchema,
    by: { userId: string | null; operationId: string; generation: number },
  ): Promise<void> {
    return this.graphs.adoptSchema(em, graphId, schema, by);
  }

  async get(graphId: string): Promise<Graph> {
    const graph = await this.graphs.find(graphId);
    if (graph === null || graph.status === 'deleted') throw new GraphNotFound();
    return graph;
  }

  /** A graph that may be changed. Throws `GraphNotReady`, or `GraphSuspended`, for one that is not active. */
  async active(graphId: string): Promise<Graph> {
    const graph = await this.get(graphId);
    if (graph.status !== 'active') throw notUsable(graphId, graph.status);
    return graph;
  }

  /** A graph that is not suspended, and whose parent is not; for work that comes past the guard. Throws `GraphSuspended`. */
  async inService(graphId: string): Promise<Graph> {
    const graph = await this.get(graphId);
    const all = graph.parentId === null ? [graph] : [graph, await this.get(graph.parentId)];
    const suspended = all.find(({ status }) => status === 'suspended');
    if (suspended !== undefined) throw notUsable(suspended.id, suspended.status);
    return graph;
  }

  /** All graphs that the actor may see, or a page of them and what is subscribed to with the first, and the one they work with. */
  async list(
    actor: Actor,
    { limit, cursor }: GraphPage,
  ): Promise<{ graphs: ListedGraph[]; selected: string | null; nextCursor: string | null }> {
    const [found, selected, readable] = await Promise.all([
      this.graphs.listFor(actor, { limit: limit && limit + 1, cursor }),
      this.graphs.selectedBy(actor),
      cursor === undefined ? this.graphs.readable(actor) : [],
    ]);
    const own = found.slice(0, limit);
    const nextCursor = own.length < found.length ? own[own.length - 1].id : null;
    return { graphs: [...own, ...readable], selected, nextCursor };
  }

  /** Remembers the graph as the one its user works with. */
  select(actor: Actor, graphId: string): Promise<void> {
    return this.graphs.select(this.transactor.em, actor.userId, graphId);
  }

  /** What was counted in the live generation; null before the first one. */
  liveGeneration(graphId: string): Promise<Generation | null> {
    return this.generations.liveRow(graphId);
  }

  /** Where a queued graph stands in the line for its tier; null for any other. */
  async queuePlace({ id, status }: Graph): Promise<QueuePlace | null> {
    return status === 'queued' ? this.operations.heldPlace(id) : null;
  }

  /** How many completed backups there are, and when the last one was made. */
  backups(graphId: string): Promise<{ count: number; latest: Date | null }> {
    return this.graphs.backups(graphId);
  }

  /** State of the process that serves the live generation; null before the first one. */
  async hostStatus(graphId: string): Promise<HostStatus | null> {
    const live = await this.generations.live(graphId);
    return live === null ? null : this.engine.status(live);
  }

  private async orgFor(actor: Actor, wanted: string | undefined): Promise<string> {
    const orgs = (await this.orgs.list(actor)).map(({ id }) => id);
    if (wanted !== undefined) {
      if (!orgs.includes(wanted)) throw new NoOrganisation();
      return wanted;
    }
    if (orgs.length === 0) throw new NoOrganisation();
    if (orgs.length > 1) throw new OrganisationAmbiguous();
    return orgs[0];
  }
}
