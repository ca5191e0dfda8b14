import { join } from 'node:path';
import { duckdbType } from './duckdb-types';
import { literal } from './sql-text';
import { type DuckDbSession, textOf } from './duckdb-session';
import type { PrepareTable, RejectedRow, RejectReason } from './messages';
import type { PartSource } from './part-source';
import { fileStem, keysOf, type Prepared, type PrepareContext, roleColumn, writeRows } from './table-files';

const MOST_SAMPLES = 20;
/** The reason that is none to reject a row. */
const REPLACED = 'replaced';

/**
 * The slow way, for a table that has a fault: finds every bad row and its first reason, writes the good ones for the
 * engine and the bad ones, as they were, to a table of rejects. Of nodes with one key
 * the newest part's stays; a second one within a part is bad.
 */
export async function rejectRows(
  session: DuckDbSession,
  source: PartSource,
  context: PrepareContext,
  rows: number,
): Promise<Prepared> {
  const { table } = source;
  await session.run(`create temp table judged as ${judgeSql(source, context)}`);
  if (table.kind === 'node') {
    await session.run(duplicatesSql(source));
    await session.run(replacedSql(source));
  }
  const reasons: Prepared['reasons'] = {};
  let replaced = 0;
  for (const row of await session.rows(
    'select reason, count(*) as n from judged group by reason order by n desc, reason',
  )) {
    if (row.reason === REPLACED) replaced = Number(row.n);
    else reasons[row.reason as RejectReason] = Number(row.n);
  }
  const rejected = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  const rejectsFile = join(context.output, 'rejects', `${fileStem(table)}.parquet`);
  await session.run(`copy (${rejectsSql(source)}) to ${literal(rejectsFile)} (format parquet, compression zstd)`);
  const good = `select * from (${source.select({ origin: true })}) anti join judged using (part, "row")`;
  const loaded = rows - rejected - replaced;
  const files = loaded > 0 ? [await writeRows(session, table, good, context.output)] : [];
  const samples = await readSamples(session, table);
  await session.run('drop table judged');
  const counts = { rowsLoaded: loaded, rowsRejected: rejected, rowsReplaced: replaced };
  return { table: table.table, kind: table.kind, ...counts, reasons, files, rejectsFile, samples };
}

/** Position (`part`, `row`), `reason` and `detail` of every row that is bad by itself or has no node at an end. */
function judgeSql(source: PartSource, context: PrepareContext): string {
  const { table } = source;
  const columnRules = table.columns.flatMap((column, at) => {
    const expected = `${column.name} is not ${column.type}: `;
    return [
      { when: `m${at} is not null`, reason: 'type_mismatch', detail: `${literal(expected)} || m${at}` },
      ...(column.required
        ? [
            {
              when: `c${at} is null`,
              reason: missingReason(column.role),
              detail: literal(`${column.name} has no value`),
            },
          ]
        : []),
    ];
  });
  const rules = [
    {
      when: 'wrong_pair is not null',
      reason: 'pair_unknown',
      detail: `${literal(`${table.table} does not lead from `)} || wrong_pair`,
    },
    {
      when: 'unclear_pair is not null',
      reason: 'pair_ambiguous',
      detail: `${literal(`${table.table} may lead from `)} || unclear_pair || ': say which in from_label and to_label'`,
    },
    ...columnRules,
  ];
  let from = `(${source.select({ origin: true })}) as rows`;
  if (table.kind === 'relationship') {
    for (const role of ['from', 'to'] as const) {
      const column = roleColumn(table, role);
      from += ` left join (${keysOf(source, role, context)}) as ${role}_keys on rows.${column} = ${role}_keys.key`;
      const detail = `${literal(`no ${table[role]} has the key `)} || ${text(`rows.${column}`)}`;
      rules.push({ when: `${role}_keys.key is null`, reason: `${role}_not_found`, detail });
    }
  }
  const pick = (value: (rule: { reason: string; detail: string }) => string) =>
    `case ${rules.map((rule) => `when ${rule.when} then ${value(rule)}`).join(' ')} end`;
  return `select * from (
    select rows.part as part, rows."row" as "row",
      ${pick(({ reason }) => literal(reason))} as reason, ${pick(({ detail }) => detail)} as detail
    from ${from}) where reason is not null`;
}

/** Judges the later ones of otherwise good rows of one part that share a key. */
function duplicatesSql(source: PartSource): string {
  return `insert into judged
    with ${sharedSql(source, 'part, key')}
    select part, "row", 'duplicate_key', 'an earlier row has the key ' || ${text('key')}
    from shared qualify row_number() over (partition by part, key order by "row") > 1`;
}

/** Judges the rows, good until here, whose key a newer part has again. */
function replacedSql(source: PartSource): string {
  return `insert into judged
    with ${sharedSql(source, 'key')}
    select part, "row", ${literal(REPLACED)}, '' from shared qualify row_number() over (partition by key order by part desc) > 1`;
}

/** Rows not yet judged that are the same in the columns `same` as others. */
function sharedSql(source: PartSource, same: string): string {
  const key = roleColumn(source.table, 'key');
  return `good as (select part, "row", ${key} as key from (${source.select({ origin: true })}) anti join judged using (part, "row")),
      shared as (select * from good semi join (select ${same} from good group by ${same} having count(*) > 1) using (${same}))`;
}

function rejectsSql(source: PartSource): string {
  return `select ${literal(source.table.table)} as table_name, files.file_id, files.file_name,
      judged."row" + 1 as "row", judged.reason, judged.detail, originals.data
    from judged join (${source.selectOriginal()}) as originals using (part, "row")
      join (${filesSql(source.table)}) as files using (part)
    where judged.reason <> ${literal(REPLACED)}
    order by part, judged."row"`;
}

async function readSamples(session: DuckDbSession, table: PrepareTable): Promise<RejectedRow[]> {
  const rows = await session.rows(
    `select file_id, file_name, "row" + 1 as n, reason, detail from judged join (${filesSql(table)}) using (part)
     where reason <> ${literal(REPLACED)} order by part, "row" limit ${MOST_SAMPLES}`,
  );
  return rows.map((row) => ({
    fileId: textOf(row.file_id),
    fileName: textOf(row.file_name),
    row: Number(row.n),
    reason: row.reason as RejectReason,
    detail: textOf(row.detail),
  }));
}

function filesSql({ parts }: PrepareTable): string {
  const rows = parts.map(({ fileId, fileName }, part) => `(${part}, ${literal(fileId)}, ${literal(fileName)})`);
  return `select * from (values ${rows.join(', ')}) as files(part, file_id, file_name)`;
}

function missingReason(role: PrepareTable['columns'][number]['role']): RejectReason {
  if (role === 'key') return 'key_missing';
  return role === 'property' ? 'required_missing' : 'end_missing';
}

function text(column: string): string {
  return `left(cast(${column} as ${duckdbType('STRING')}), 80)`;
}
