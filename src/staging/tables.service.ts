import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { findType } from '../schemas/graph-schema';
import { ObjectStore } from '../storage/object-store';
import { checkEnds, checkMapping, mergeOptions } from './column-mapping';
import type { TargetColumn } from './duckdb/messages';
import { GraphStanding } from './graph-standing';
import { tableNames, targetColumns } from './prepare-plan';
import { type FileOptions, filePrefix, type FileStatus, type StagedFile } from './staged-file.entity';
import { GraphBusy, TableNotFound } from './staging.errors';
import { StagingRepository } from './staging.repository';
import { type FileTotals, TablesRepository } from './tables.repository';

/** Of files that will still be read, as their table says then. */
const NOT_READ: readonly FileStatus[] = ['pending', 'uploaded', 'failed'];

/** A staging table as people see it. */
export interface TableView {
  name: string;
  /** Null where the schema no longer has the type. */
  kind: 'node' | 'relationship' | null;
  /** What its files should have. */
  columns: TargetColumn[];
  options: FileOptions;
  declaredAt: Date | null;
  files: FileTotals[];
  /** Nodes or relationships of the type in the live generation. */
  rowsInGraph: number;
  /** Whether the graph lacks rows of these files, or still has rows of files that are not staged any more. */
  isStale: boolean;
}

export interface DroppedTable {
  files: StagedFile[];
  wasDeclared: boolean;
  markedStale: boolean;
}

/** The staging tables of a graph: one for each type of its schema, and those that still have files of a former type. */
@Injectable()
export class TablesService {
  constructor(
    private readonly tables: TablesRepository,
    private readonly files: StagingRepository,
    private readonly standing: GraphStanding,
    private readonly graphs: GraphsService,
    private readonly objects: ObjectStore,
    private readonly audit: AuditService,
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  async list(graphId: string): Promise<TableView[]> {
    const { em } = this.transactor;
    const [{ schema }, live, declared, totals, removed] = await Promise.all([
      this.graphs.get(graphId),
      this.graphs.liveGeneration(graphId),
      this.tables.list(em, graphId),
      this.tables.totals(em, graphId),
      this.tables.tablesOfRemovedFiles(em, graphId),
    ]);
    const known = tableNames(schema);
    const former = [...totals.map(({ tableName }) => tableName), ...declared.map(({ name }) => name)];
    return [...new Set([...known, ...former.sort()])].map((name): TableView => {
      const kind = findType(schema, name)?.kind ?? null;
      const files = totals.filter(({ tableName }) => tableName === name);
      const differs = files.some(({ status, files: all, held }) => held !== (status === 'staged' ? all : 0));
      const said = declared.find((table) => table.name === name);
      return {
        name,
        kind,
        columns: kind === null ? [] : targetColumns(schema, name),
        options: said?.options ?? {},
        declaredAt: said?.createdAt ?? null,
        files,
        rowsInGraph: live?.manifest?.nodes[name] ?? live?.manifest?.relationships[name] ?? 0,
        // What has no type cannot be loaded, so the graph does not lack it.
        isStale: removed.has(name) || (kind !== null && differs),
      };
    });
  }

  /** Throws {@link TableNotFound}. */
  async get(graphId: string, name: string): Promise<TableView> {
    const tables = await this.list(graphId);
    const found = tables.find((table) => table.name === name);
    if (!found)
      throw new TableNotFound(
        name,
        tables.map((table) => table.name),
      );
    return found;
  }

  /**
   * Says how the files of a table are read that were not read yet and say nothing else; what was said before is forgotten.
   * Throws {@link TableNotFound}, `InvalidRequest` for a mapping that cannot be.
   */
  async declare(actor: Actor, graphId: string, name: string, options: FileOptions): Promise<TableView> {
    const { schema, orgId } = await this.graphs.get(graphId);
    if (!findType(schema, name)) throw new TableNotFound(name, tableNames(schema));
    checkMapping(schema, name, options.mapping);
    checkEnds(schema, name, options.ends);
    const now = this.clock.now();
    await this.transactor.run(async (em) => {
      await this.tables.put(em, { graphId, name, options, createdBy: actor.userId, createdAt: now, updatedAt: now });
      for (const { id, status, ownOptions } of await this.tables.lockFiles(em, graphId, name)) {
        if (ownOptions === null || !NOT_READ.includes(status)) continue;
        await this.files.change(em, id, [status], { options: mergeOptions(options, ownOptions) });
      }
      const details = { table_name: name };
      await this.audit.record(em, { actor, action: 'table.declared', target: graphId, orgId, details });
    });
    return this.get(graphId, name);
  }

  /**
   * Removes all files of a table and what was said of it; where the schema has the type, an empty table stays. Throws
   * {@link GraphBusy} while an operation changes the graph or reads one of the files, {@link TableNotFound}.
   */
  async drop(actor: Actor, graphId: string, name: string): Promise<DroppedTable> {
    const { schema, orgId } = await this.graphs.get(graphId);
    const dropped = await this.transactor.run(async (em): Promise<DroppedTable> => {
      const files = await this.tables.lockFiles(em, graphId, name);
      const reader = files.find(({ status }) => status === 'staging')?.operationId ?? null;
      const busy = reader ?? (await this.standing.changingOperation(em, graphId));
      if (busy !== null) throw new GraphBusy(busy);
      const wasDeclared = await this.tables.remove(
        em,
        graphId,
        name,
        files.map(({ id }) => id),
      );
      if (files.length === 0 && !wasDeclared && !findType(schema, name)) {
        throw new TableNotFound(name, tableNames(schema));
      }
      const markedStale = files.some(({ materializedGeneration }) => materializedGeneration !== null);
      await this.standing.noteChange(em, graphId, `table ${name} was dropped with its files`);
      const details = { table_name: name, files: files.map(({ id }) => id) };
      await this.audit.record(em, { actor, action: 'table.dropped', target: graphId, orgId, details });
      return { files, wasDeclared, markedStale };
    });
    for (const file of dropped.files) await this.objects.deletePrefix(filePrefix(file));
    return dropped;
  }
}
