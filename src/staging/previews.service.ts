import { Injectable } from '@nestjs/common';
import { GraphsService } from '../graphs/graphs.service';
import { findType } from '../schemas/graph-schema';
import { quoted } from './duckdb/sql-text';
import type { ProfileResult, QueryResult } from './duckdb/messages';
import { FilesService } from './files.service';
import { columnTypes, targetColumns } from './prepare-plan';
import type { StagedFile } from './staged-file.entity';
import { FileNotStaged, TableNotStaged } from './staging.errors';
import { TableQueriesService } from './table-queries.service';
import { TablesService } from './tables.service';

export type Previewed = { fileId: string } | { tableName: string };

/** A file, or all that is staged of a table. */
interface Source {
  name: string;
  files: StagedFile[];
}

/** What staged files and tables hold, by the same confined processes and with the same limits as SQL over them. */
@Injectable()
export class PreviewsService {
  constructor(
    private readonly graphs: GraphsService,
    private readonly files: FilesService,
    private readonly tables: TablesService,
    private readonly queries: TableQueriesService,
  ) {}

  /** Rows in the order of files and of their rows. Throws {@link FileNotStaged}, and what `TableQueriesService.run` throws. */
  async rows(
    graphId: string,
    what: Previewed,
    page: { limit: number; offset: number },
    signal: AbortSignal,
  ): Promise<QueryResult> {
    const { name, files } = await this.sourceOf(graphId, what);
    const query = { sql: `select * from ${quoted(name)}`, parameters: [], ...page };
    return this.queries.runOn(await this.tableOf(graphId, name, files), query, signal);
  }

  /** The columns, and by their lower-case names the types that the schema asks for. */
  async profile(
    graphId: string,
    what: Previewed,
    signal: AbortSignal,
  ): Promise<{ profile: ProfileResult; propertyTypes: Record<string, string> }> {
    const { name, files } = await this.sourceOf(graphId, what);
    const { schema } = await this.graphs.get(graphId);
    const profile = await this.queries.profile(await this.tableOf(graphId, name, files), signal);
    if (!findType(schema, name)) return { profile, propertyTypes: {} };
    // A column that files map to different properties has no one type.
    const types = files.map(({ options }) => columnTypes(schema, name, options.mapping));
    const all = Object.assign({}, columnTypes(schema, name), ...types) as Record<string, string>;
    const agreed = Object.entries(all).filter(([column, type]) =>
      types.every((one) => !(column in one) || one[column] === type),
    );
    return { profile, propertyTypes: Object.fromEntries(agreed) };
  }

  private async sourceOf(graphId: string, what: Previewed): Promise<Source> {
    if ('fileId' in what) {
      const file = await this.files.get(graphId, what.fileId);
      if (file.partKey === null) throw new FileNotStaged(file.status);
      return { name: file.tableName, files: [file] };
    }
    const { name, kind } = await this.tables.get(graphId, what.tableName);
    const { files } = await this.files.list(graphId, { tableName: name, statuses: ['staged'] }, {});
    if (kind === null && files.length === 0) throw new TableNotStaged(name);
    return { name, files };
  }

  private async tableOf(graphId: string, name: string, files: StagedFile[]) {
    const { schema } = await this.graphs.get(graphId);
    const columns = findType(schema, name) ? targetColumns(schema, name) : [];
    return { table: name, columns, files };
  }
}
