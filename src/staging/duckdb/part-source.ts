import { castTo } from './casts';
import { duckdbType, storedType } from './duckdb-types';
import { literal, quoted } from './sql-text';
import type { EndPair, SaidEnds } from '../../schemas/graph-schema';
import type { DuckDbSession } from './duckdb-session';
import type {
  ColumnMapping,
  ColumnProblem,
  DateFormats,
  PartRef,
  PrepareTable,
  StagedColumn,
  TargetColumn,
} from './messages';

/** Parts of one table with the same columns and the same understanding of them, which DuckDB reads as one. */
interface PartGroup {
  columns: StagedColumn[];
  mapping: ColumnMapping;
  formats: DateFormats;
  ends: SaidEnds;
  parts: { index: number; part: PartRef }[];
}

/** The parts of a table as one SQL source whose columns are those of the table, each with its type. */
export class PartSource {
  private constructor(
    readonly table: PrepareTable,
    private readonly groups: PartGroup[],
  ) {}

  static async open(session: DuckDbSession, table: PrepareTable): Promise<PartSource> {
    const groups = new Map<string, PartGroup>();
    for (const [index, part] of table.parts.entries()) {
      const columns = await session.columns(`select * from read_parquet(${literal(part.path)})`);
      const { mapping = {}, ends = {}, dateFormats, timestampFormats } = part;
      const formats = { dateFormats, timestampFormats };
      const signature = JSON.stringify([columns, mapping, formats, ends]);
      const group = groups.get(signature) ?? { columns, mapping, formats, ends, parts: [] };
      group.parts.push({ index, part });
      groups.set(signature, group);
    }
    return new PartSource(table, [...groups.values()]);
  }

  /** Parts that lack a column which no row may be without. */
  missing(): ColumnProblem[] {
    if (this.isLaterPair) return [];
    return this.problems((group) =>
      this.table.columns.filter((column) => column.required && !find(group, column)).map(({ name }) => name),
    );
  }

  /** Parts with columns that the schema does not know. */
  unknown(): ColumnProblem[] {
    if (this.isLaterPair) return [];
    return this.problems((group) => {
      const used = new Set([...this.table.columns, ...this.labels].map((column) => find(group, column)?.name));
      return group.columns
        .map(({ name }) => name)
        .filter((name) => !used.has(name) && group.mapping[name.toLowerCase()] !== null);
    });
  }

  /**
   * A SELECT with the typed columns `c0..cn` of all parts and `misfit`: a value that is there does not fit its type.
   * With `origin` also `part` (index), `row` (from 0) and `m0..mn`: the text that does not fit, or null.
   */
  select({ origin = false } = {}): string {
    return this.groups.map((group) => this.selectGroup(group, origin)).join(' union all ');
  }

  /** Every row as it was in its part: `part`, `row` and `data` (JSON). */
  selectOriginal(): string {
    return this.groups
      .map((group) => {
        const fields = group.columns.map(({ name }) => `${quoted(name)} := ${quoted(name)}`).join(', ');
        return `select ${origin(group)}, to_json(struct_pack(${fields})) as data from ${read(group, true)}`;
      })
      .join(' union all ');
  }

  /** Whether the parts are column for column what the engine takes. */
  get isTyped(): boolean {
    const wanted = JSON.stringify(this.table.columns.map(({ type }) => storedType(type)));
    return (
      this.groups.length === 1 &&
      this.pairOf(this.groups[0]) === undefined &&
      this.table.columns.every((column) => column.default === undefined) &&
      JSON.stringify(this.groups[0].columns.map(({ type }) => type)) === wanted &&
      this.table.columns.every((column, at) => find(this.groups[0], column) === this.groups[0].columns[at])
    );
  }

  private selectGroup(group: PartGroup, withOrigin: boolean): string {
    const casts = this.table.columns.map((column) => {
      const found = find(group, column);
      const cast = found
        ? castTo(quoted(found.name), found.type, column.type, group.formats)
        : { sql: `cast(null as ${duckdbType(column.type)})`, canFail: false };
      const misfit = found && cast.canFail ? `${quoted(found.name)} is not null and ${cast.sql} is null` : undefined;
      return { sql: withDefault(cast.sql, column), misfit, source: found && quoted(found.name) };
    });
    const pair = this.pairOf(group);
    const misfits = casts.flatMap(({ misfit }) => (misfit ? [`(${misfit})`] : []));
    if (pair?.unfit) misfits.push(`(${pair.unfit})`);
    const selected = [
      ...casts.map(({ sql }, at) => `${sql} as c${at}`),
      `${misfits.join(' or ') || 'false'} as misfit`,
    ];
    if (withOrigin) {
      selected.push(
        origin(group),
        `${pair?.wrong ?? NOTHING} as wrong_pair`,
        `${pair?.unclear ?? NOTHING} as unclear_pair`,
      );
      casts.forEach(({ misfit, source }, at) =>
        selected.push(
          `${misfit ? `case when ${misfit} then left(cast(${source} as varchar), 80) end` : NOTHING} as m${at}`,
        ),
      );
    }
    return `select ${selected.join(', ')} from ${read(group, withOrigin)}${pair ? ` where ${pair.rows}` : ''}`;
  }

  private get labels(): TargetColumn[] {
    return [this.table.pair?.fromLabel ?? [], this.table.pair?.toLabel ?? []].flat();
  }

  /** What is wrong with whole columns is said once, for the first pair. */
  private get isLaterPair(): boolean {
    return this.table.pair?.judges === false;
  }

  /**
   * Which rows of the group are the pair's; for the pair that judges, also those that are no pair's (`unfit`), with what
   * they say instead (`wrong`) or what they may be (`unclear`). Undefined where all rows are the only pair's.
   */
  private pairOf(group: PartGroup): { rows: string; unfit?: string; wrong?: string; unclear?: string } | undefined {
    const { pair } = this.table;
    if (pair === undefined) return undefined;
    const [from, to] = [labelIn(group, pair.fromLabel, group.ends.from), labelIn(group, pair.toLabel, group.ends.to)];
    if (pair.pairs.length === 1 && from === NOTHING && to === NOTHING) return undefined;
    const fits = (ends: EndPair): string =>
      `(coalesce(${from} = ${literal(ends.from)}, true) and coalesce(${to} = ${literal(ends.to)}, true))`;
    const candidates = `(${pair.pairs.map((ends) => `cast(${fits(ends)} as integer)`).join(' + ')})`;
    const own = `(${candidates} = 1 and ${fits(pair)})`;
    if (!pair.judges) return { rows: own };
    const said = (label: string, role: 'from' | 'to'): string =>
      `coalesce(left(${label}, 80), ${literal(new Set(pair.pairs.map((ends) => ends[role])).size > 1 ? 'any type' : pair[role])})`;
    const possible = pair.pairs.map(
      (ends) => `case when ${fits(ends)} then ${literal(`${ends.from} to ${ends.to}`)} end`,
    );
    return {
      rows: `(${own} or ${candidates} <> 1)`,
      unfit: `${candidates} <> 1`,
      wrong: `case when ${candidates} = 0 then ${said(from, 'from')} || ' to ' || ${said(to, 'to')} end`,
      unclear: `case when ${candidates} > 1 then left(concat_ws(' or from ', ${possible.join(', ')}), 200) end`,
    };
  }

  private problems(columnsOf: (group: PartGroup) => string[]): ColumnProblem[] {
    return this.groups.flatMap((group) => {
      const columns = columnsOf(group);
      if (columns.length === 0) return [];
      return group.parts.map(({ part: { fileId, fileName } }) => ({
        table: this.table.table,
        fileId,
        fileName,
        columns,
      }));
    });
  }
}

function withDefault(sql: string, { type, default: value }: TargetColumn): string {
  return value === undefined ? sql : `coalesce(${sql}, cast(${literal(value)} as ${duckdbType(type)}))`;
}

const NOTHING = 'cast(null as varchar)';

/** What a row says of the type at an end, else what its file says. */
function labelIn(group: PartGroup, label: TargetColumn | undefined, ofFile: string | undefined): string {
  const found = label && find(group, label);
  if (!found) return ofFile === undefined ? NOTHING : `cast(${literal(ofFile)} as varchar)`;
  const said = `cast(${quoted(found.name)} as varchar)`;
  return ofFile === undefined ? said : `coalesce(${said}, ${literal(ofFile)})`;
}

/** What the mapping says comes first; a column that is mapped to something else is not looked at. */
function find({ columns, mapping }: PartGroup, column: TargetColumn): StagedColumn | undefined {
  const wanted = targetOf(column);
  const mapped = columns.filter(({ name }) => mapping[name.toLowerCase()] === wanted);
  if (mapped.length > 0) return mapped[0];
  for (const source of column.sources) {
    const found = columns.find(({ name }) => name.toLowerCase() === source && !(source in mapping));
    if (found) return found;
  }
  return undefined;
}

/** How a mapping names a column of the table. */
export function targetOf({ name, role }: TargetColumn): string {
  return role === 'from' || role === 'to' ? role : name.toLowerCase();
}

function read(group: PartGroup, withOrigin: boolean): string {
  const paths = group.parts.map(({ part }) => literal(part.path)).join(', ');
  return `read_parquet([${paths}]${withOrigin ? ", filename = '__part', file_row_number = true" : ''})`;
}

function origin({ parts }: PartGroup): string {
  const cases = parts.map(({ index, part }) => `when ${literal(part.path)} then ${index}`).join(' ');
  return `case __part ${cases} end as part, file_row_number as row`;
}
