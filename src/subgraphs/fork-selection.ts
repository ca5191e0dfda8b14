import type { FieldProblem } from '../common/problem';
import { InvalidRequest } from '../common/problem.filter';
import { type EndPair, type GraphSchema, type NodeType, pairsOf, type RelationshipType } from '../schemas/graph-schema';
import { FORK_OPTIONS_PATH, type ForkOptions } from './fork-options';

/** What of a graph a fork takes. */
export interface ForkSelection {
  /** Whether that is all of it. */
  whole: boolean;
  nodes: { type: NodeType; condition?: string }[];
  /** Those whose ends are both taken, in the pairs of which that is true. */
  relationships: { type: RelationshipType; pairs: EndPair[] }[];
}

/**
 * What the options mean for a schema. Relationship types follow when both ends are taken, unless `tables` names some: then
 * only these. Throws `InvalidRequest` with everything that cannot be, and the names that there are.
 */
export function selectFork(options: ForkOptions | null, schema: GraphSchema): ForkSelection {
  const { tables, exclude_patterns: patterns, where } = options ?? {};
  const nodeNames = schema.nodes.map(({ name }) => name);
  const relationshipNames = schema.relationships.map(({ name }) => name);
  const known = [...nodeNames, ...relationshipNames];
  const problems: FieldProblem[] = [
    ...unknown(tables ?? [], known, 'tables'),
    // What has no wildcard is meant as a name.
    ...unknown(
      (patterns ?? []).map((one) => (/[*?]/.test(one) ? null : one)),
      known,
      'exclude_patterns',
    ),
  ];
  const kept = (name: string): boolean => !(patterns ?? []).some((pattern) => matches(pattern, name));
  const named = tables ?? known;
  const nodes = schema.nodes.filter(({ name }) => named.includes(name) && kept(name));
  const taken = new Set(nodes.map(({ name }) => name));
  for (const name of Object.keys(where ?? {})) {
    if (taken.has(name)) continue;
    const msg = nodeNames.includes(name)
      ? `the fork does not take ${name}`
      : `there is no such node type; there are ${nodeNames.join(', ')}`;
    problems.push({ loc: ['where', name], msg, type: 'unknown_table' });
  }
  const byName = relationshipNames.some((name) => tables?.includes(name));
  const relationships = schema.relationships
    .filter(({ name }) => kept(name) && (!byName || named.includes(name)))
    .map((type) => ({ type, pairs: pairsOf(type).filter(({ from, to }) => taken.has(from) && taken.has(to)) }));
  for (const { type, pairs } of byName ? relationships : []) {
    if (pairs.length > 0) continue;
    const ends = pairsOf(type).map(({ from, to }) => `${from} and ${to}`);
    const msg = `${type.name} needs the node types at both of its ends: ${ends.join(', or ')}`;
    problems.push({ loc: ['tables', tables!.indexOf(type.name)], msg, type: 'ends_missing' });
  }
  if (problems.length === 0 && nodes.length === 0 && schema.nodes.length > 0)
    problems.push({
      loc: [],
      msg: 'no node type is left; make a subgraph without fork_parent for that',
      type: 'empty',
    });
  if (problems.length > 0)
    throw new InvalidRequest(problems.map((one) => ({ ...one, loc: [...FORK_OPTIONS_PATH, ...one.loc] })));
  const followed = relationships.filter(({ pairs }) => pairs.length > 0);
  return {
    whole:
      nodes.length === schema.nodes.length &&
      followed.length === schema.relationships.length &&
      Object.keys(where ?? {}).length === 0,
    nodes: nodes.map((type) => ({ type, condition: where?.[type.name] })),
    relationships: followed,
  };
}

function unknown(names: (string | null)[], known: string[], field: string): FieldProblem[] {
  return names.flatMap((name, at) =>
    name === null || known.includes(name)
      ? []
      : [{ loc: [field, at], msg: `there is no type "${name}"; there are ${known.join(', ')}`, type: 'unknown_table' }],
  );
}

/** In time that grows with both lengths, whatever the pattern: a regular expression could take for ever. */
function matches(pattern: string, name: string): boolean {
  let [p, n] = [0, 0];
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p;
      resume = n;
      p += 1;
    } else if (pattern[p] === '?' || pattern[p] === name[n]) {
      p += 1;
      n += 1;
    } else if (star >= 0) {
      resume += 1;
      p = star + 1;
      n = resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}
