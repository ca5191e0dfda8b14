import { StatementRefused } from '../engine.errors';
import { crashesEngine, forbiddenInPlan } from './plan-guard';
import { explainOf, guardStatement, withoutStarCount } from './statement-guard';

describe('statement guard', () => {
  it.each([
    "LOAD FROM '/etc/passwd' (file_format='csv') RETURN *",
    "load from 'x.csv' return *",
    "MATCH (a:A) WITH a LOAD FROM 'x.csv' RETURN *",
    "/* harmless */ LOAD /* more */ FROM 'x.csv' RETURN 1",
    "// comment\nLoAd\n\tFROM 'x.csv' RETURN 1",
    "// comment \r LOAD FROM 'x.csv' RETURN 1",
    "MATCH (n) RETURN '\\'' LOAD FROM \"x\" RETURN 1",
    "RETURN 'a' /* ' */ LOAD FROM 'x' RETURN 1",
    "RETURN /* unterminated LOAD FROM 'x' RETURN 1",
    "RETURN ' LOAD FROM x",
    "MATCH (as:A) WITH as LOAD FROM '/etc/passwd' RETURN 1",
    "WITH 1. LOAD FROM 'x' RETURN 1",
    "WITH 1.5 LOAD FROM 'x' RETURN 1",
    "RETURN\u00a0LOAD\u00a0FROM 'x'",
    "WITH a\u2003LOAD\u2003FROM 'x' RETURN 1",
    'LOAD httpfs',
    "LOAD EXTENSION '/tmp/evil.so'",
    'LOAD `httpfs`',
    "COPY (MATCH (n) RETURN n) TO '/tmp/out.csv'",
    "COPY Person FROM 'x.csv'",
    "EXPLAIN COPY (RETURN 1) TO 'x'",
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    "ATTACH '/other/graph.lbug' AS other (dbtype lbug)",
    'DETACH other',
    'USE other',
    'USE GRAPH g',
    'INSTALL httpfs',
    'FORCE INSTALL httpfs',
    'UNINSTALL httpfs',
    'UPDATE httpfs',
    'ANALYZE',
    'CHECKPOINT',
    'checkpoint;',
    'RETURN 1; CHECKPOINT',
    'BEGIN TRANSACTION',
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'PROFILE COMMIT',
    'CALL threads=64',
    'CALL timeout = 0',
    "CALL current_setting('threads') RETURN *",
    'CALL show_warnings() RETURN *',
    'CALL clear_warnings()',
    "CALL project_graph('g', ['A'], ['R'])",
    "CALL `read_parquet`('x') RETURN *",
    'MATCH (n) CALL /* x */ disk_info() RETURN *',
    'CALL',
  ])('refuses %j', (statement) => {
    expect(() => guardStatement(statement)).toThrow(StatementRefused);
  });

  it.each([
    'MATCH (n) RETURN n',
    "MATCH (n {name: 'LOAD FROM file'}) RETURN n",
    'MATCH (n) RETURN "COPY it" AS x // LOAD FROM here',
    'MATCH (n) /* CALL x=1 */ RETURN n',
    'MATCH (n:LOAD) RETURN n.copy',
    'MATCH (n:Import|Export)-[:USE]->(m) RETURN m',
    'MATCH (n) WHERE n.load > 3 RETURN n.load AS load ORDER BY load DESC',
    'MATCH (n) RETURN n.begin AS begin, n.commit AS commit',
    'WITH 1 AS use RETURN use',
    'WITH {load: 1, copy: 2, call: 3} AS m RETURN m.load, m.call',
    'MATCH (`load`) RETURN `load`.x AS `copy`',
    'RETURN $load AS x',
    'MATCH (n) WHERE n.x = $update RETURN n',
    'MATCH (call)-[:CALL]->(m) RETURN call.id, m.call',
    "RETURN 'it\\'s LOAD' AS x",
    'MATCH (download), (uploaded) RETURN download.copying, uploaded',
    'MATCH p=(a)-[:R*1..3]->(b) RETURN p',
    'UNWIND [1,2] AS update RETURN update + 1, update',
    'CALL show_tables() RETURN *',
    "call Table_Info('Person') RETURN name, type",
    "CALL show_connection('KNOWS') RETURN *",
    'CALL db_version() RETURN *',
    'MATCH (a) DETACH DELETE a',
    'RETURN 1.5e3, .5, 0x1F',
    'RETURN 1;',
  ])('passes %j', (statement) => {
    expect(() => guardStatement(statement)).not.toThrow();
  });

  it('tells what it refused and how a name is written', () => {
    expect(() => guardStatement('copy x from y')).toThrow('COPY is not available to queries');
    expect(() => guardStatement('copy x from y')).toThrow('backticks');
  });

  it('asks for the plan of a statement that is itself an EXPLAIN or PROFILE', () => {
    expect(explainOf('MATCH (n) RETURN n')).toBe('EXPLAIN MATCH (n) RETURN n');
    expect(explainOf('/* x */ profile RETURN 1')).toBe('EXPLAIN  RETURN 1');
  });

  it('rewords count(*) outside strings only', () => {
    expect(withoutStarCount("RETURN COUNT( * ), 'count(*)', count(x), count(*) AS c")).toBe(
      "RETURN COUNT( 1 ), 'count(*)', count(x), count(1) AS c",
    );
  });
});

describe('plan guard', () => {
  const box = (...lines: string[]): string => lines.map((line) => `│   ${line}   │`).join('\n');

  it.each([
    [box('RESULT_COLLECTOR[2]', 'COPY_TO[1]'), 'COPY_TO'],
    [box('TABLE_FUNCTION_CALL[0]', 'Function: READ_CSV_PARALLEL'), 'READ_CSV_PARALLEL'],
    ['│ PROJECTION[3] ││ ATTACH_DATABASE[4] │', 'ATTACH_DATABASE'],
    [box('MERGE[3]'), 'MERGE'],
    [box('SET_PROPERTY[3]'), 'SET_PROPERTY'],
  ])('finds what reads or writes elsewhere', (plan, found) => {
    expect(forbiddenInPlan(plan)).toBe(found);
  });

  it('passes plans that read', () => {
    const plan = box('RESULT_COLLECTOR[2]', 'ORDER_BY_MERGE[1]', 'Function: READ_FTABLE', 'Function: SHOW_TABLES');
    expect(forbiddenInPlan(plan)).toBeUndefined();
    expect(crashesEngine(plan)).toBe(false);
    expect(crashesEngine(box('REL_DEGREE_TABLE[0]'))).toBe(true);
  });
});
