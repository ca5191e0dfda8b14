import { type DuckDbSession, textOf } from './duckdb-session';
import { TaskError } from './task-error';

/** Table functions that make rows out of their arguments alone. All others read files, settings or other statements. */
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest', 'json_each', 'json_tree']);
/** Functions that tell of this process or change something in it. */
const FORBIDDEN_FUNCTIONS =
  /^(current_setting|getvariable|getenv|nextval|currval|write_log|json_execute_serialized_sql|add_parquet_key|(duckdb|pragma|pg|read|parquet|sniff|from_substrait|get_substrait)_.*)$/;

type Node = Record<string, unknown>;

/**
 * Lets one SELECT over the given tables pass and nothing else. DuckDB's own parser makes the tree that is looked at, so
 * no way of writing a statement can hide what it does. Throws {@link TaskError} `sql_invalid` or `sql_refused`.
 */
export async function guardSql(session: DuckDbSession, sql: string, tables: string[]): Promise<void> {
  const [{ tree }] = await session.rows('select json_serialize_sql($1::varchar, skip_null := true) as tree', [sql]);
  const parsed = JSON.parse(textOf(tree)) as {
    error: boolean;
    error_type?: string;
    error_message?: string;
    statements?: Node[];
  };
  if (parsed.error) {
    if (parsed.error_type === 'not implemented') throw refused('Only SELECT is');
    throw new TaskError({ code: 'sql_invalid', message: `The SQL cannot be read: ${parsed.error_message}` });
  }
  const { statements = [] } = parsed;
  if (statements.length !== 1) {
    throw new TaskError({ code: 'sql_invalid', message: `Send one statement; these are ${statements.length}` });
  }
  const names = new Set(tables.map((name) => name.toLowerCase()));
  for (const name of commonTables(statements[0])) names.add(name.toLowerCase());
  for (const node of nodesOf(statements[0])) check(node, names, tables);
}

function check(node: Node, names: Set<string>, tables: string[]): void {
  const kind = node.type;
  if (kind === 'BASE_TABLE') {
    const name = String(node.table_name);
    const elsewhere = Boolean(node.catalog_name) || !['', 'main', undefined].includes(node.schema_name as string);
    if (elsewhere || !names.has(name.toLowerCase())) {
      throw new TaskError({
        code: 'sql_refused',
        message: `There is no staging table "${name}" in this graph. Use one of: ${tables.join(', ')}`,
      });
    }
  } else if (kind === 'TABLE_FUNCTION') {
    const name = String((node.function as Node).function_name);
    if (!TABLE_FUNCTIONS.has(name.toLowerCase())) throw refused(`The table function ${name} is not`);
  } else if (kind === 'SHOW_REF' && !node.query) {
    throw refused('SHOW is not');
  }
  if (typeof node.function_name === 'string' && FORBIDDEN_FUNCTIONS.test(node.function_name.toLowerCase())) {
    throw refused(`The function ${node.function_name} is not`);
  }
}

/** Names that the statement itself gives to queries (WITH). */
function commonTables(statement: Node): string[] {
  return [...nodesOf(statement)].flatMap(({ cte_map: ctes }) =>
    ((ctes as { map?: { key: string }[] } | undefined)?.map ?? []).map(({ key }) => key),
  );
}

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Node;
  for (const part of Object.values(value)) yield* nodesOf(part);
}

function refused(what: string): TaskError {
  return new TaskError({ code: 'sql_refused', message: `${what} available on staging tables` });
}
