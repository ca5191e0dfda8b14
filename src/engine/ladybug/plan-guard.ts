import { TABLE_FUNCTIONS } from './statement-guard';

/** Operators that write, or reach beyond the graph. Matched within names, so that new variants are caught as well. */
const FORBIDDEN =
  /COPY|EXPORT|IMPORT|ATTACH|DETACH|EXTENSION|INSTALL|LOAD|INSERT|DELETE|SET_|CREATE|DROP|ALTER|TRANSACTION|STANDALONE|USE_|PARTITIONER|CHECKPOINT|^MERGE$|COMMENT/;
/** Functions that plans of ordinary reads contain (passing of intermediate tables and variable-length paths). */
const INTERNAL_FUNCTIONS = new Set(['READ_FTABLE']);

/** The names of a plan's operators, in the order in which it is printed. Text in string literals may add to them. */
export function operatorsOf(plan: string): string[] {
  return [...plan.matchAll(/│\s*([A-Z_0-9]+)\[\d+\]\s*(?=│)/g)].map(([, operator]) => operator);
}

/**
 * Second wall: reads the engine's own plan of a statement and returns the first operator or table function that is
 * not plain reading, or undefined. Text in string literals can only add findings, never hide one.
 */
export function forbiddenInPlan(plan: string): string | undefined {
  for (const operator of operatorsOf(plan)) {
    if (FORBIDDEN.test(operator)) return operator;
  }
  for (const [, name] of plan.matchAll(/│\s*Function:\s*([A-Za-z_0-9]+)\s*(?=│)/g)) {
    const upper = name.toUpperCase();
    if (!TABLE_FUNCTIONS.has(upper) && !INTERNAL_FUNCTIONS.has(upper)) return upper;
  }
  return undefined;
}

/**
 * LadybugDB 0.19.1 loses rows, about half of them, where it finds the end of a circle of relationships by intersecting lists
 * of neighbours.
 */
export function losesRows(plan: string): boolean {
  return operatorsOf(plan).includes('INTERSECT');
}

/**
 * LadybugDB 0.19.1 answers `MATCH (a)-[r]->(b) RETURN a.key, count(*) AS c ORDER BY c DESC LIMIT n` with a plan of its own
 * for the nodes of highest degree, and its process then dies of a segmentation fault (with text keys always).
 */
export function crashesEngine(plan: string): boolean {
  return /│\s*REL_DEGREE_TABLE\[/.test(plan);
}
