import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Transactor } from '../database/transactor';
import { type GenerationContents, contentsOf } from '../graphs/generation-contents';
import type { Generation } from '../graphs/graph.entity';
import { notUsable } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { InvalidRequest } from '../common/problem.filter';
import { composeSchema } from './compose-schema';
import { type ChangeSchemaDto, toReportDto } from './dto/schema-change.dto';
import { editDefinition } from './edit-definition';
import type { GraphSchema } from './graph-schema';
import { readDefinition } from './read-definition';
import { compareSchemas, type SchemaChange } from './schema-changes';
import type { SchemaVersion } from './schema-version';
import { partOf, type StagedEffects, stagedEffects } from './staged-effects';
import {
  SchemaChangeRefused,
  SchemaChangeUnconfirmed,
  SchemaMovedOn,
  SchemaUnchanged,
  SchemaVersionNotFound,
} from './schemas.errors';
import { ChangeSchema } from './schemas.operations';
import { SchemasRepository } from './schemas.repository';

export interface ProposedChange {
  target: GraphSchema;
  changes: SchemaChange[];
  effects: StagedEffects;
}

/** The schemas of graphs: what they were, and changing them. */
@Injectable()
export class SchemasService {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly versions: SchemasRepository,
    private readonly operations: OperationsService,
    private readonly audit: AuditService,
  ) {}

  /** Starts a change, or only says what it would do. Throws what speaks against it. */
  async requestChange(actor: Actor, graphId: string, request: ChangeSchemaDto): Promise<Operation | ProposedChange> {
    const [graph, before] = await Promise.all([this.graphs.get(graphId), this.versions.current(graphId)]);
    const proposed = await this.propose(graphId, targetOf(graph.schema, request));
    if (request.dry_run) return proposed;
    if (graph.status !== 'active') throw notUsable(graphId, graph.status);
    refuse(proposed, request.confirm);
    return this.transactor.run(async (em) => {
      const version = { schema: proposed.target, changes: proposed.changes, base: before.number };
      const number = await this.versions.insertPending(em, graphId, version, actor.userId);
      const operation = await this.operations.begin(em, ChangeSchema, {
        actor,
        orgId: graph.orgId,
        graphId,
        payload: { version: number },
      });
      // From here on nothing else changes the graph; what was compared must still be what is there.
      const now = await this.versions.current(graphId, em);
      if (now.number !== before.number || now.generation !== graph.liveGeneration) throw new SchemaMovedOn();
      await this.versions.setOperation(em, graphId, number, operation.id);
      await this.audit.record(em, {
        actor,
        action: 'graph.schema_change_requested',
        target: graphId,
        orgId: graph.orgId,
      });
      return operation;
    });
  }

  async of(graphId: string): Promise<GraphSchema> {
    return (await this.graphs.get(graphId)).schema;
  }

  /** What it takes to make `target` of the graph's schema, and what it means for its data and its staged files. */
  async propose(graphId: string, target: GraphSchema): Promise<ProposedChange> {
    const [graph, live] = await Promise.all([this.graphs.get(graphId), this.graphs.liveGeneration(graphId)]);
    const rows = { ...live?.manifest?.nodes, ...live?.manifest?.relationships };
    return {
      target,
      changes: compareSchemas(graph.schema, target, rows),
      effects: await this.effectsOn(graphId, target),
    };
  }

  async effectsOn(graphId: string, target: GraphSchema): Promise<StagedEffects> {
    const [graph, staged, past] = await Promise.all([
      this.graphs.get(graphId),
      this.versions.stagedTables(graphId),
      this.past(graphId),
    ]);
    return stagedEffects(graph.schema, target, staged, past);
  }

  /**
   * What the live data will be made from once it has this schema. Files of dropped types are no part of it (`released`);
   * where files that are have what the schema newly asks for, it is behind them, until a schema asks for no more than
   * was taken from them.
   */
  async contentsAfter(
    graphId: string,
    target: GraphSchema,
  ): Promise<{ contents: GenerationContents; released: string[] }> {
    const [graph, live] = await Promise.all([this.graphs.get(graphId), this.graphs.liveGeneration(graphId)]);
    if (live === null) throw notUsable(graphId, graph.status);
    const held = contentsOf(live);
    const types = [...target.nodes, ...target.relationships].map(({ name }) => name);
    const released = await this.versions.filesOfOthers(graphId, held.files, types);
    const files = held.files.filter((id) => !released.includes(id));
    const [tables, past] = await Promise.all([this.versions.stagedTables(graphId, files), this.past(graphId)]);
    const loaded = held.behind === null ? graph.schema : held.taken;
    const taken = loaded ? partOf(loaded, target) : null;
    const { stale } = stagedEffects(taken ?? graph.schema, target, tables, past);
    // Where nobody knows what was taken, it stays as far behind as it is.
    const behind = taken === null ? (stale ?? held.behind) : stale;
    return { contents: { ...held, files, behind, taken: behind === null ? null : taken }, released };
  }

  private async past(graphId: string): Promise<{ rejected: string[]; earlier: GraphSchema[] }> {
    const [rejected, versions] = await Promise.all([
      this.versions.tablesWithRejects(graphId),
      this.versions.list(graphId),
    ]);
    return { rejected, earlier: versions.filter(({ status }) => status === 'applied').map(({ schema }) => schema) };
  }

  /**
   * Notes, in the transaction in which a generation is taken back, that the schema which it had is the graph's again;
   * nothing where it is the same.
   */
  async noteTakenBack(
    em: EntityManager,
    actor: Actor,
    graphId: string,
    { from, to }: { from: Generation; to: Generation },
  ): Promise<void> {
    const why = `Generation ${from.number} was taken back`;
    await this.noteBack(em, graphId, { before: from, generation: to.number, why, by: actor.userId });
  }

  /** The same where a graph gets a schema back that it had, or another graph, for `why`. `before`: what was live. */
  async noteBack(
    em: EntityManager,
    graphId: string,
    { before, generation, why, by }: { before: Generation; generation: number; why: string; by: string | null },
  ): Promise<void> {
    const [last, { number, schema }] = await Promise.all([
      this.versions.lastApplied(em, graphId),
      this.versions.current(graphId, em),
    ]);
    if (last === null || schema === null || number === last.number) return;
    const rows = { ...before.manifest?.nodes, ...before.manifest?.relationships };
    const again = number === null ? 'as it was before' : `that of version ${number} again`;
    const note = `${why}, and with it the schema, which is ${again}`;
    const version = { schema, changes: compareSchemas(last.schema, schema, rows), base: last.number, note };
    await this.versions.insertApplied(em, graphId, { ...version, generation }, by);
  }

  /** Newest first, with the number of the one that the graph has now. */
  async history(graphId: string): Promise<{ versions: SchemaVersion[]; current: number | null }> {
    const [versions, { number }] = await Promise.all([this.versions.list(graphId), this.versions.current(graphId)]);
    return { versions, current: number };
  }

  async version(graphId: string, number: number): Promise<{ version: SchemaVersion; current: number | null }> {
    const [version, current] = await Promise.all([this.versions.find(graphId, number), this.versions.current(graphId)]);
    if (version === null) throw new SchemaVersionNotFound(number);
    return { version, current: current.number };
  }
}

/** The schema that a request asks for. */
function targetOf(current: GraphSchema, request: ChangeSchemaDto): GraphSchema {
  const { schema_definition: whole, add, drop } = request;
  if ((whole == null) === (add == null && drop == null)) {
    const msg = 'say either the whole schema_definition, or what to add and drop';
    throw new InvalidRequest([{ loc: ['body'], msg, type: 'one_of' }]);
  }
  if (whole != null) {
    const path = ['body', 'schema_definition'];
    const custom = readDefinition(whole, request.format, path);
    return keepExtensions(current, composeSchema({ custom, customPath: path, name: current.name }));
  }
  const { definition, origins } = editDefinition(current, { add, drop });
  return keepExtensions(
    current,
    composeSchema({ custom: definition, customPath: ['body', 'add'], name: current.name, origins }),
  );
}

/** Types of extensions are the graph's own once it has them; the names are kept while it does. */
function keepExtensions(current: GraphSchema, target: GraphSchema): GraphSchema {
  const extensions = [...new Set([...(current.extensions ?? []), ...(target.extensions ?? [])])];
  return extensions.length === 0 ? target : { ...target, extensions };
}

function refuse({ changes, effects }: ProposedChange, confirmed: boolean): void {
  if (changes.length === 0) throw new SchemaUnchanged();
  const report = toReportDto(changes, effects);
  const messages = (verdict: SchemaChange['verdict']): string[] =>
    changes.filter((change) => change.verdict === verdict).map(({ message }) => message);
  if (messages('refused').length > 0) throw new SchemaChangeRefused(report, messages('refused').slice(0, 5));
  if (messages('confirm').length > 0 && !confirmed)
    throw new SchemaChangeUnconfirmed(report, messages('confirm').slice(0, 5));
}
