import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { GraphUnreadable } from '../engine/engine.errors';
import { type GenerationRef, GraphEngine } from '../engine/graph-engine';
import { contentsOf } from '../graphs/generation-contents';
import { GenerationsService } from '../graphs/generations.service';
import type { Generation, Graph } from '../graphs/graph.entity';
import { notUsable } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import type { OperationContext } from '../jobs/operation-context';
import type { GraphSchema } from '../schemas/graph-schema';
import { StagingService } from '../staging/staging.service';
import { type Backup, objectKeyOf } from './backup.entity';
import { BackupChecks, GRAPH_FOLDER } from './backup-checks';
import type { ArchiveSource } from './backup-archive';
import { BackupLimits } from './backup-limits';
import { type BackupManifest, MANIFEST_VERSION, type ManifestHead, total } from './backup-manifest';
import { BackupObjects } from './backup-objects';
import { BackupNotCompleted, BackupNotFound } from './backups.errors';
import { BackupsRepository } from './backups.repository';
import { type ExportFormat, GraphExports } from './graph-exports';

/** Stores an archive of the files; `from`: percent that are done already. */
type Put = (head: ManifestHead, sources: ArchiveSource[], from: number) => ReturnType<BackupObjects['write']>;

export interface MakeOptions {
  backupId: string;
  /** Scratch space, removed by the caller. */
  directory: string;
  /** 0 to 100. */
  report: (percent: number, message: string) => void;
  /** Written in the transaction that completes the backup. */
  alongside?: (em: EntityManager, backup: BackupManifest) => Promise<void>;
}

/** Makes backups: the live generation is kept in place, streamed into the object store, read back, and only then counts. */
@Injectable()
export class BackupMaker {
  constructor(
    private readonly graphs: GraphsService,
    private readonly generations: GenerationsService,
    private readonly staging: StagingService,
    private readonly engine: GraphEngine,
    private readonly backups: BackupsRepository,
    private readonly objects: BackupObjects,
    private readonly exports: GraphExports,
    private readonly checks: BackupChecks,
    private readonly limits: BackupLimits,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** Throws what stood in the way; then no backup is completed. */
  async make(ctx: OperationContext, options: MakeOptions): Promise<BackupManifest> {
    const backup = await this.backups.get(options.backupId);
    if (backup === null) throw new BackupNotFound();
    const graph = await this.graphs.get(backup.graphId);
    const pinned = await this.generations.pinLive(ctx, graph.id);
    if (pinned === null) throw notUsable(graph.id, graph.status);
    const { generation, schema } = pinned;
    await ctx.transaction((em) => this.backups.noteStarted(em, backup.id, generation.number, this.clock.now()));
    const objectKey = objectKeyOf(backup, ctx);
    try {
      const manifest = await this.store(ctx, { backup, graph, generation, schema, objectKey }, options);
      options.report(60, 'Reading the backup back');
      await mkdir(options.directory, { recursive: true });
      await this.checks.verify({ ...backup, objectKey, manifest }, options.directory, ctx.signal);
      options.report(95, 'Completing the backup');
      await this.complete(ctx, { backup, graph, manifest, objectKey }, options);
      return manifest;
    } catch (error) {
      // After an error that is not ours the row may name it; then the sweep decides.
      if ((await this.backups.get(backup.id))?.objectKey !== objectKey) await this.objects.remove(objectKey);
      throw error;
    }
  }

  private async store(
    ctx: OperationContext,
    made: { backup: Backup; graph: Graph; generation: Generation; schema: GraphSchema; objectKey: string },
    options: MakeOptions,
  ): Promise<BackupManifest> {
    const { backup, generation, objectKey } = made;
    const { report } = options;
    const head = await this.headOf(made);
    const ref = this.generations.ref(backup.graphId, generation.number);
    const put: Put = (told, sources, from) => {
      const all = sources.reduce((sum, { content }) => sum + (typeof content === 'string' ? 0 : content.bytes), 1);
      const onBytes = (bytes: number): void =>
        report(Math.min(55, from + (bytes / all) * (55 - from)), 'Storing the data');
      const first = { name: 'manifest.json', content: JSON.stringify(told, null, 2) };
      return this.objects.write(backup, objectKey, [first, ...sources], { signal: ctx.signal, onBytes });
    };
    const manifest =
      backup.format === 'full_dump'
        ? await this.dump(head, ref, generation, put)
        : await this.export(head, ref, { ...options, format: backup.format, signal: ctx.signal }, put);
    await this.objects.writeManifest(objectKey, manifest);
    return manifest;
  }

  /** The engine's files as they are. */
  private async dump(
    head: ManifestHead,
    ref: GenerationRef,
    generation: Generation,
    put: Put,
  ): Promise<BackupManifest> {
    const files = await this.engine.files(ref);
    const sources = files.map(({ name, path, bytes }) => ({
      name: `${GRAPH_FOLDER}${name}`,
      content: { path, bytes },
    }));
    const written = await put(head, sources, 0);
    // The database file, then its log; both were hashed when they were built.
    const hashes = [generation.manifest?.sha256, generation.manifest?.log?.sha256];
    const read = sources.map(({ name }) => written.content.files.find((file) => file.name === name));
    if (read.some((file, at) => file?.sha256 !== hashes[at])) throw new GraphUnreadable();
    return { ...head, ...written };
  }

  /** The rows of every table, which are in scratch space before they are stored. */
  private async export(
    head: ManifestHead,
    ref: GenerationRef,
    { format, signal, report, ...options }: MakeOptions & { format: ExportFormat; signal: AbortSignal },
    put: Put,
  ): Promise<BackupManifest> {
    const directory = join(options.directory, 'export');
    const { schema } = head;
    const all = Math.max(1, total(head.nodes) + total(head.relationships));
    const { tables, sources } = await this.exports.write(ref, {
      schema,
      counts: head,
      format,
      directory,
      signal,
      onRows: (rows) => report(Math.min(40, (rows / all) * 40), 'Reading the rows'),
    });
    const written = await put({ ...head, tables }, sources, 40);
    await rm(directory, { recursive: true });
    return { ...head, tables, ...written };
  }

  private async headOf({
    backup,
    graph,
    generation,
    schema,
  }: {
    backup: Backup;
    graph: Graph;
    generation: Generation;
    schema: GraphSchema;
  }): Promise<ManifestHead> {
    const { files: held, otherRows, behind } = contentsOf(generation);
    const [staged, lastEvent] = await Promise.all([
      this.staging.snapshot({ id: graph.id, schema }),
      this.backups.lastEvent(),
    ]);
    const counted = generation.manifest!;
    return {
      manifest_version: MANIFEST_VERSION,
      backup_id: backup.id,
      graph_id: graph.id,
      org_id: graph.orgId,
      parent_graph_id: graph.parentId,
      format: backup.format,
      created_at: this.clock.now().toISOString(),
      engine: counted.engine,
      engine_version: counted.engineVersion,
      storage_version: counted.storageVersion ?? null,
      generation: generation.number,
      event_sequence: lastEvent,
      schema,
      nodes: counted.nodes,
      relationships: counted.relationships,
      staging: {
        files: staged
          .filter(({ id }) => held.includes(id))
          .map(({ id, fileName, tableName, rowCount }) => ({
            file_id: id,
            file_name: fileName,
            table_name: tableName,
            row_count: rowCount,
          })),
        held,
        other_rows: otherRows,
        behind,
      },
    };
  }

  private complete(
    ctx: OperationContext,
    {
      backup,
      graph,
      manifest,
      objectKey,
    }: { backup: Backup; graph: Graph; manifest: BackupManifest; objectKey: string },
    { alongside }: MakeOptions,
  ): Promise<void> {
    return ctx.transaction(async (em) => {
      await this.backups.takeTurn(em, graph.id);
      if (backup.kind !== 'system') await this.limits.requireRoom(em, graph, manifest.stored.bytes);
      if (!(await this.backups.complete(em, backup.id, { manifest, objectKey, at: this.clock.now() })))
        throw new BackupNotCompleted('failed');
      await this.audit.record(em, {
        actor: { userId: ctx.userId },
        action: 'backup.created',
        target: backup.id,
        orgId: backup.orgId,
        details: { graph_id: graph.id, operation_id: ctx.operationId, kind: backup.kind },
      });
      await alongside?.(em, manifest);
    });
  }
}
