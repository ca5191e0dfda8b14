import type { FieldProblem } from '../common/problem';
import { InvalidRequest } from '../common/problem.filter';
import { findType, type GraphSchema, keyType, pairsOf, pairsWith, type Property } from '../schemas/graph-schema';
import { LABEL_COLUMNS } from '../schemas/parse-schema';
import { targetColumns } from '../staging/prepare-plan';
import type { RowsDto } from './dto/rows.dto';

/** The first of many problems are enough to mend the others. */
const MOST_PROBLEMS = 100;

type Row = Record<string, unknown>;

/** Rows by table, each with the names that a file of the table would have. */
export type RowsByTable = Record<string, Row[]>;

/**
 * Checks rows against the schema: types that it has, properties that these have, values where they must be and of the right
 * kind. What a text says (whether "2024-13-01" is a date) is checked when it is read. Throws `InvalidRequest` with every
 * problem and its path.
 */
export function checkRows(schema: GraphSchema, { nodes, relationships }: RowsDto): RowsByTable {
  const problems: FieldProblem[] = [];
  const tables: RowsByTable = {};
  const keep = (table: string, row: Row): void => void (tables[table] ??= []).push(row);
  nodes.forEach(({ label, properties }, at) => {
    const path = ['body', 'nodes', at];
    const found = findType(schema, label);
    if (found?.kind !== 'node') return problems.push(unknown([...path, 'label'], label, names(schema.nodes)));
    const { primaryKey } = found.type;
    const required = (one: Property): boolean => one.required || one.name === primaryKey;
    problems.push(...problemsOf(properties, found.type.properties, required, [...path, 'properties']));
    keep(label, properties);
  });
  relationships.forEach(({ type, from, to, from_label, to_label, properties = {} }, at) => {
    const path = ['body', 'relationships', at];
    const found = findType(schema, type);
    if (found?.kind !== 'relationship') {
      return problems.push(unknown([...path, 'type'], type, names(schema.relationships)));
    }
    const required = (one: Property): boolean => one.required;
    problems.push(...problemsOf(properties, found.type.properties, required, [...path, 'properties']));
    const pairs = pairsWith(found.type, { from: from_label ?? undefined, to: to_label ?? undefined });
    const [pair] = pairs;
    if (pairs.length !== 1) {
      const all = (pairs.length === 0 ? pairsOf(found.type) : pairs).map((one) => `from ${one.from} to ${one.to}`);
      const [msg, why] =
        pairs.length === 0
          ? [`${type} leads ${all.join(', ')}`, 'pair_unknown']
          : [`${type} may lead ${all.join(' or ')}: say which in from_label and to_label`, 'pair_ambiguous'];
      const wrong = from_label == null && to_label != null ? 'to_label' : 'from_label';
      return problems.push({ loc: [...path, wrong], msg, type: why });
    }
    for (const [name, value] of [
      ['from', from],
      ['to', to],
    ] as const) {
      const wrong = misfit(value, keyType(schema, pair[name]));
      if (wrong) problems.push({ loc: [...path, name], msg: `${name} ${wrong}`, type: 'value_type' });
    }
    const [start, end] = targetColumns(schema, type);
    const labels = found.type.pairs && { [LABEL_COLUMNS.from]: pair.from, [LABEL_COLUMNS.to]: pair.to };
    keep(type, { ...properties, ...labels, [start.sources[0]]: from, [end.sources[0]]: to });
  });
  if (problems.length > 0) throw new InvalidRequest(problems.slice(0, MOST_PROBLEMS));
  return tables;
}

function problemsOf(
  row: Row,
  properties: Property[],
  required: (property: Property) => boolean,
  path: (string | number)[],
): FieldProblem[] {
  const known = new Map(properties.map((property) => [property.name, property]));
  const strange = Object.keys(row)
    .filter((name) => !known.has(name))
    .map((name) => unknown([...path, name], name, [...known.keys()]));
  const wrong = properties.flatMap((property): FieldProblem[] => {
    const { name, type, default: otherwise } = property;
    const value = row[name] ?? null;
    const loc = [...path, name];
    if (value === null) {
      if (!required(property) || otherwise !== undefined) return [];
      return [{ loc, msg: `${name} must have a value`, type: 'required' }];
    }
    const problem = misfit(value, type);
    return problem === undefined ? [] : [{ loc, msg: `${name} ${problem}`, type: 'value_type' }];
  });
  return [...strange, ...wrong];
}

/** What is wrong with the kind of a JSON value for a type, in words that follow its name; undefined where nothing is. */
function misfit(value: unknown, type: string): string | undefined {
  if (/^U?INT\d+$/.test(type)) {
    const whole = typeof value === 'number' ? Number.isSafeInteger(value) : /^[+-]?\d+$/.test(String(value));
    if (whole && (typeof value === 'number' || typeof value === 'string')) return undefined;
    return `must be a whole number (beyond 2^53 as a string), since it is ${type}`;
  }
  if (/\]$|^(STRUCT|MAP)\(/.test(type))
    return typeof value === 'object' ? undefined : `must be a list or an object, since it is ${type}`;
  if (type === 'BOOLEAN') return typeof value === 'boolean' ? undefined : 'must be true or false';
  if (/^(FLOAT|DOUBLE|DECIMAL)/.test(type)) {
    return typeof value === 'number' || typeof value === 'string' ? undefined : `must be a number, since it is ${type}`;
  }
  return typeof value === 'string' ? undefined : `must be a text, since it is ${type}`;
}

function unknown(loc: (string | number)[], name: string, known: string[]): FieldProblem {
  const msg = `The schema has no "${name}" here. It has ${known.slice(0, 20).join(', ') || 'none'}`;
  return { loc, msg, type: 'unknown_name' };
}

function names(types: { name: string }[]): string[] {
  return types.map(({ name }) => name);
}
