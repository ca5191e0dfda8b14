import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Ids, UUID } from '../common/ids';
import { BYTES_PER_MB } from '../common/units';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { StorageUsage } from '../limits/storage-usage';
import { TierTable } from '../limits/tier-table';
import { findType } from '../schemas/graph-schema';
import { ObjectStore } from '../storage/object-store';
import { ObjectTooLarge } from '../storage/storage.errors';
import { formatOf } from './content-types';
import { checkEnds, checkMapping, mergeOptions } from './column-mapping';
import { GraphStanding } from './graph-standing';
import { tableNames } from './prepare-plan';
import { type FileOptions, filePrefix, type FileStatus, type StagedFile } from './staged-file.entity';
import { FileAlreadyStaged, FileNotFound, FileTooLarge, GraphBusy, TableNotFound } from './staging.errors';
import { type FileFilter, StagingRepository } from './staging.repository';
import { TablesRepository } from './tables.repository';

/** Bytes may come, and come again, until they are being read. */
const OPEN_FOR_UPLOAD: FileStatus[] = ['pending', 'uploaded', 'failed'];

export interface NewFileRequest {
  fileName: string;
  contentType: string;
  tableName: string;
  /** What is left out is as the table's options say. */
  options: FileOptions;
  /** Load it into the graph once it is staged. */
  ingest: boolean;
}

/** An upload that may begin. */
export interface ExpectedUpload {
  file: StagedFile;
  /** Most bytes that it may have. */
  maxBytes: number;
  tier: string;
}

/** The files of a graph's staging tables, from the first announcement to their removal. */
@Injectable()
export class FilesService {
  constructor(
    private readonly files: StagingRepository,
    private readonly standing: GraphStanding,
    private readonly tables: TablesRepository,
    private readonly graphs: GraphsService,
    private readonly objects: ObjectStore,
    private readonly audit: AuditService,
    private readonly transactor: Transactor,
    private readonly ids: Ids,
    private readonly clock: Clock,
    private readonly tiers: TierTable,
    private readonly storage: StorageUsage,
  ) {}

  /** Announces a file for a table; its bytes come later, by an upload link. */
  async announce(actor: Actor, graphId: string, request: NewFileRequest): Promise<StagedFile> {
    const { tableName, fileName } = request;
    const format = formatOf(request.contentType, fileName);
    const graph = await this.graphs.active(graphId);
    if (!findType(graph.schema, tableName)) throw new TableNotFound(tableName, tableNames(graph.schema));
    this.tiers.requireRoomForFile(graph.tier, (await this.files.totals(this.transactor.em, graphId, {})).files);
    const table = await this.tables.find(this.transactor.em, graphId, tableName);
    const options = mergeOptions(table?.options ?? {}, request.options);
    checkMapping(graph.schema, tableName, options.mapping);
    checkEnds(graph.schema, tableName, options.ends);
    const id = this.ids.uuid();
    return this.transactor.run(async (em) => {
      const createdAt = this.clock.now();
      await this.files.insert(em, {
        id,
        graphId,
        tableName,
        fileName,
        format,
        options,
        ownOptions: request.options,
        ingestBy: request.ingest ? actor.userId : null,
        createdBy: actor.userId,
        createdAt,
      });
      const details = { graph_id: graphId, file_name: fileName, table_name: tableName };
      await this.audit.record(em, { actor, action: 'file.created', target: id, orgId: graph.orgId, details });
      return this.found(await this.files.find(em, id), id);
    });
  }

  /** Refuses, before a byte is read, an upload that cannot end well. */
  async expectUpload(fileId: string, contentLength: number | undefined): Promise<ExpectedUpload> {
    if (!UUID.test(fileId)) throw new FileNotFound(fileId);
    const file = this.found(await this.files.find(this.transactor.em, fileId), fileId);
    if (!OPEN_FOR_UPLOAD.includes(file.status)) throw new FileAlreadyStaged(file.status);
    const { tier } = await this.graphs.inService(file.graphId);
    const { max_file_mb: maxMb } = this.tiers.of(tier);
    if (contentLength !== undefined && contentLength > maxMb * BYTES_PER_MB) throw new FileTooLarge(maxMb);
    const room = await this.storage.requireRoom(file.graphId, tier, contentLength);
    return { file, maxBytes: Math.min(room, maxMb * BYTES_PER_MB), tier };
  }

  /**
   * Stores the bytes of a file. Every upload gets a key of its own, so one that ends late cannot change what is already
   * being read. Throws `FileTooLarge`, `FileAlreadyStaged`, `StorageFull`; then nothing of it is kept.
   */
  async storeUpload({ file, maxBytes, tier }: ExpectedUpload, body: Readable): Promise<StagedFile> {
    const uploadKey = `${filePrefix(file)}upload-${this.ids.uuid()}`;
    const { bytes } = await this.objects.put(uploadKey, body, { maxBytes }).catch(async (error: unknown) => {
      if (!(error instanceof ObjectTooLarge)) throw error;
      await this.storage.requireRoom(file.graphId, tier, maxBytes + 1);
      throw new FileTooLarge(this.tiers.of(tier).max_file_mb);
    });
    const replaced = await this.transactor
      .run(async (em) => {
        const current = await this.files.lock(em, file.graphId, file.id);
        if (!OPEN_FOR_UPLOAD.includes(current.status)) throw new FileAlreadyStaged(current.status);
        const uploadedAt = this.clock.now();
        const changes = { status: 'uploaded' as const, uploadKey, sizeBytes: bytes, uploadedAt, error: null };
        await this.files.change(em, file.id, [current.status], changes);
        return current.uploadKey;
      })
      .catch(async (error: unknown) => {
        await this.objects.delete(uploadKey);
        throw error;
      });
    if (replaced !== null) await this.objects.delete(replaced);
    return this.get(file.graphId, file.id);
  }

  async get(graphId: string, fileId: string): Promise<StagedFile> {
    const file = UUID.test(fileId) ? await this.files.find(this.transactor.em, fileId) : null;
    return this.found(file?.graphId === graphId ? file : null, fileId);
  }

  async list(
    graphId: string,
    filter: FileFilter,
    page: { limit?: number; offset?: number },
  ): Promise<{ files: StagedFile[]; total: number; bytes: number }> {
    const { em } = this.transactor;
    const [files, totals] = await Promise.all([
      this.files.list(em, graphId, filter, page),
      this.files.totals(em, graphId, filter),
    ]);
    return { files, total: totals.files, bytes: totals.bytes };
  }

  /**
   * Removes a file with its rows from its table. Throws {@link GraphBusy} while an operation changes the graph or reads
   * the file. `markedStale`: the graph still holds its rows, until it is materialized again.
   */
  async remove(
    actor: Actor,
    orgId: string,
    graphId: string,
    fileId: string,
  ): Promise<{ file: StagedFile; markedStale: boolean }> {
    const removed = await this.transactor.run(async (em) => {
      const file = await this.files.lock(em, graphId, fileId);
      const busy = file.status === 'staging' ? file.operationId : await this.standing.changingOperation(em, graphId);
      if (busy !== null) throw new GraphBusy(busy);
      const markedStale = file.materializedGeneration !== null;
      await this.files.remove(em, fileId);
      const reason = `file "${file.fileName}" was deleted from ${file.tableName}`;
      await this.standing.noteChange(em, graphId, reason);
      const details = { graph_id: graphId, file_name: file.fileName, table_name: file.tableName };
      await this.audit.record(em, { actor, action: 'file.deleted', target: fileId, orgId, details });
      return { file, markedStale };
    });
    await this.objects.deletePrefix(filePrefix(removed.file));
    return removed;
  }

  private found(file: StagedFile | null, fileId: string): StagedFile {
    if (file === null) throw new FileNotFound(fileId);
    return file;
  }
}
