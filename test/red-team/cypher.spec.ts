import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DomainError } from '../../src/common/domain-error';
import type { GenerationRef } from '../../src/engine/graph-engine';
import { EngineWorld } from '../support/engine-world';

/*
 * What an attacker with the right to query one graph would try, sent to a real host whose only walls are the statement
 * guard, the engine's plan and the read-only handle: no sandbox (that wall has a spec of its own). Nothing may come
 * through: every statement is refused, no file appears, no secret is read, and the graph stays as it is.
 */
const folder = mkdtempSync(join(tmpdir(), 'graphstead-red-team-'));
const secret = join(folder, 'secret.csv');
const loot = join(folder, 'loot.csv');
const SECRET = 'the-crown-jewels';

/** They reach beyond the graph: files, extensions, other databases, settings, transactions, internals. */
const REACHING: string[] = [
  // Files are read
  `LOAD FROM '${secret}' (header=false) RETURN *`,
  `load from "${secret}" (header=false) return column0`,
  `LoAd\n\t\r\nFrOm '${secret}' (header=false) RETURN *`,
  `/**/LOAD/**/FROM/**/'${secret}'/**/(header=false)/**/RETURN/**/*`,
  `// harmless\nLOAD FROM '${secret}' (header=false) RETURN *`,
  `// harmless\r LOAD FROM '${secret}' (header=false) RETURN *`,
  `/* a */ /* b // c */ LOAD FROM '${secret}' (header=false) RETURN *`,
  `MATCH (p:Person) WITH p LIMIT 1 LOAD FROM '${secret}' (header=false) RETURN column0`,
  `MATCH (as:Person) WITH as LOAD FROM '${secret}' (header=false) RETURN column0`,
  `UNWIND [1] AS x LOAD FROM '${secret}' (header=false) RETURN x, column0`,
  `RETURN 1 AS column0 UNION LOAD FROM '${secret}' (header=false) RETURN column0`,
  `RETURN '\\'' AS q UNION LOAD FROM '${secret}' (header=false) RETURN column0 AS q`,
  `RETURN "'" AS q UNION LOAD FROM '${secret}' (header=false) RETURN column0 AS q`,
  `RETURN 'a' AS q /* ' */ UNION LOAD FROM '${secret}' (header=false) RETURN column0 AS q`,
  `RETURN 1 AS x; LOAD FROM '${secret}' (header=false) RETURN *`,
  `EXPLAIN LOAD FROM '${secret}' (header=false) RETURN *`,
  `PROFILE LOAD FROM '${secret}' (header=false) RETURN *`,
  `\uFEFFLOAD FROM '${secret}' (header=false) RETURN *`,
  `LOAD\u00a0FROM\u00a0'${secret}' (header=false) RETURN *`,
  `LOAD\u2003FROM '${secret}' (header=false) RETURN *`,
  `LOAD WITH HEADERS (column0 STRING) FROM '${secret}' RETURN *`,
  `LOAD FROM '${folder}/*.csv' (header=false) RETURN *`,
  `LOAD FROM '/etc/passwd' (file_format='csv', header=false, delim=':') RETURN column0`,
  `LOAD FROM '../../../../../../etc/passwd' (file_format='csv', header=false) RETURN *`,
  `LOAD FROM '/proc/self/environ' (file_format='csv', header=false) RETURN *`,
  `LOAD FROM 'http://127.0.0.1:1/x.csv' RETURN *`,
  `LOAD FROM $file (header=false) RETURN *`,
  `CALL READ_CSV_SERIAL('${secret}') RETURN *`,
  `CALL read_parquet('${secret}') RETURN *`,
  "CALL `READ_CSV_PARALLEL`('x') RETURN *",
  `CALL /* sly */ read_csv_serial /* sly */ ('${secret}') RETURN *`,
  // Files are written
  `COPY (MATCH (p:Person) RETURN p.name) TO '${loot}'`,
  `copy(MATCH (p:Person) RETURN p.name)to'${loot}'`,
  `COPY/* */(RETURN 1)/* */TO '${loot}'`,
  `EXPLAIN COPY (RETURN 1 AS x) TO '${loot}'`,
  `PROFILE COPY (RETURN 1 AS x) TO '${loot}'`,
  `RETURN 1; COPY (RETURN 1 AS x) TO '${loot}'`,
  `EXPORT DATABASE '${loot}'`,
  `EXPORT\n/* */DATABASE '${loot}' (format='csv')`,
  `COPY Person FROM '${secret}'`,
  `COPY Person FROM (LOAD FROM '${secret}' RETURN *)`,
  `IMPORT DATABASE '${folder}'`,
  // Other databases
  `ATTACH '${folder}/other.lbug' AS other (dbtype lbug)`,
  `/**/attach '${folder}/other.lbug' AS other`,
  'DETACH other',
  'USE other',
  'USE GRAPH g',
  // Code
  'INSTALL httpfs',
  'FORCE INSTALL httpfs',
  'LOAD httpfs',
  'LOAD EXTENSION httpfs',
  `LOAD EXTENSION '${folder}/evil.so'`,
  `LOAD\n'${folder}/evil.so'`,
  'UNINSTALL httpfs',
  'UPDATE httpfs',
  // Settings and transactions
  'CALL threads=64',
  'CALL timeout=0',
  'CALL/**/timeout/**/=/**/0',
  'call `timeout`=0',
  "CALL file_search_path='/'",
  "CALL home_directory='/'",
  'CALL enable_internal_catalog=true',
  'CALL progress_bar=true',
  "CALL current_setting('home_directory') RETURN *",
  'BEGIN TRANSACTION',
  'BEGIN TRANSACTION READ ONLY',
  'COMMIT',
  'ROLLBACK',
  'CHECKPOINT',
  '/* x */ checkpoint ;',
  // Internals
  'CALL show_attached_databases() RETURN *',
  'CALL show_loaded_extensions() RETURN *',
  'CALL show_official_extensions() RETURN *',
  'CALL show_warnings() RETURN *',
  'CALL bm_info() RETURN *',
  'CALL file_info() RETURN *',
  'CALL disk_size_info() RETURN *',
  "CALL storage_info('Person') RETURN *",
  "CALL project_graph('g', ['Person'], ['KNOWS'])",
  "CALL drop_projected_graph('g')",
  'MATCH (p:Person) CALL bm_info() RETURN p.id',
];

/** They change the graph. Readers do not: data changes through materialization. */
const WRITING: string[] = [
  'CREATE (:Person {id: 100})',
  'create/**/(:Person {id: 100})',
  'MERGE (:Person {id: 100})',
  "MATCH (p:Person {id: 1}) SET p.name = 'owned'",
  'MATCH (p:Person {id: 1}) DETACH DELETE p',
  'MATCH (p:Person {id: 1})-[k:KNOWS]->() DELETE k',
  'MATCH (a:Person {id: 1}), (b:Person {id: 3}) CREATE (a)-[:KNOWS]->(b)',
  'PROFILE CREATE (:Person {id: 100})',
  'EXPLAIN CREATE (:Person {id: 100})',
  'CREATE NODE TABLE Evil(id INT64 PRIMARY KEY)',
  'CREATE REL TABLE EVIL(FROM Person TO Person)',
  'ALTER TABLE Person ADD evil STRING',
  'ALTER TABLE Person RENAME TO Evil',
  'DROP TABLE KNOWS',
  'DROP TABLE IF EXISTS KNOWS',
  "COMMENT ON TABLE Person IS 'owned'",
  'CREATE MACRO evil(x) AS x + 1',
  'CREATE SEQUENCE evil',
  'CREATE GRAPH evil',
  'CREATE TYPE evil AS STRING',
];

/** They do what readers may, and only read like the above. */
const HARMLESS: [string, Record<string, unknown>[]][] = [
  ["RETURN 'LOAD FROM file' AS x", [{ x: 'LOAD FROM file' }]],
  ['RETURN "COPY (RETURN 1) TO \'x\'" AS x', [{ x: "COPY (RETURN 1) TO 'x'" }]],
  ['RETURN 1 AS x // LOAD FROM here', [{ x: 1 }]],
  ['/* ATTACH me */ RETURN 1 AS x', [{ x: 1 }]],
  ['WITH 1 AS load RETURN load', [{ load: 1 }]],
  ['WITH {copy: 1, call: 2} AS export RETURN export.copy AS x', [{ x: 1 }]],
  ['MATCH (`install`:Person {id: 1}) RETURN `install`.id AS `use`', [{ use: 1 }]],
  ["MATCH (p:Person) WHERE p.name STARTS WITH 'IMPORT' RETURN count(p) AS x", [{ x: 0 }]],
  ['UNWIND [3] AS update RETURN update AS begin', [{ begin: 3 }]],
  ["RETURN 'it\\'s DROP TABLE' AS commit", [{ commit: "it's DROP TABLE" }]],
  ["RETURN upper('create') AS x", [{ x: 'CREATE' }]],
  ['CALL show_tables() WHERE name = "KNOWS" RETURN name', [{ name: 'KNOWS' }]],
  ['MATCH (p:Person {id: 1}) OPTIONAL MATCH (p)-[k:KNOWS]->(q) RETURN q.id AS x', [{ x: 2 }]],
];

describe('who may query one graph', () => {
  let world: EngineWorld;
  let ring: GenerationRef;
  let files: string[];

  beforeAll(async () => {
    writeFileSync(secret, `${SECRET}\n`);
    world = new EngineWorld();
    ring = await world.ring(4);
    files = readdirSync(ring.directory);
  });
  afterAll(async () => {
    await world.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const failureOf = async (statement: string): Promise<DomainError> => {
    const parameters = statement.includes('$file') ? { file: secret } : {};
    const answer = await world.rows(ring, statement, parameters).catch((error: unknown) => error as DomainError);
    if (!(answer instanceof Error)) throw new Error(`Answered: ${JSON.stringify(answer.rows)}`);
    return answer;
  };

  afterEach(() => {
    expect(existsSync(loot)).toBe(false);
    expect(readdirSync(ring.directory)).toEqual(files);
  });

  it.each(REACHING)('reaches nothing else with %j', async (statement) => {
    const { code, message } = await failureOf(statement);
    expect(code).toBe('statement_refused');
    expect(message).not.toContain(SECRET);
  });

  it.each(WRITING)('changes nothing with %j', async (statement) => {
    const { code } = await failureOf(statement);
    expect(code).toBe('write_refused');
    const { rows } = await world.rows(
      ring,
      'MATCH (p:Person)-[:KNOWS]->(q:Person) RETURN p.id AS id, q.id AS knows, p.name AS name ORDER BY id',
    );
    expect(rows).toEqual([0, 1, 2, 3].map((id) => ({ id, knows: (id + 1) % 4, name: `person ${id}` })));
  });

  it('does one statement at a time', async () => {
    expect(await failureOf('RETURN 1 AS x; CREATE (:Person {id: 100})')).toMatchObject({ code: 'query_invalid' });
    expect((await world.rows(ring, 'MATCH (p:Person) RETURN count(*) AS c')).rows).toEqual([{ c: 4 }]);
  });

  it.each(HARMLESS)('may ask %j', async (statement, rows) => {
    expect((await world.rows(ring, statement)).rows).toEqual(rows);
  });
});
