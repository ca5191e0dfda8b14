import { EngineWorld } from '../../../test/support/engine-world';
import type { GenerationRef, PlanOperator } from '../graph-engine';
import { planTree } from './plan-tree';

describe('the tree of a plan', () => {
  let world: EngineWorld;
  let ring: GenerationRef;

  beforeAll(async () => {
    world = new EngineWorld();
    ring = await world.ring(500);
  }, 60_000);
  afterAll(() => world.end());

  async function planOf(statement: string, parameters: Record<string, unknown> = {}): Promise<PlanOperator> {
    const { rows } = await world.rows(ring, statement, parameters);
    const tree = world.engine.readPlan(Object.values(rows[0])[0] as string);
    expect(tree).toBeDefined();
    return tree!;
  }
  const namesOf = ({ operator, children }: PlanOperator): unknown[] => [operator, ...children.map(namesOf)];
  const find = (tree: PlanOperator, name: string): PlanOperator | undefined =>
    tree.operator === name ? tree : tree.children.map((child) => find(child, name)).find((one) => one !== undefined);

  it('shows that a key is looked up in its index, of integers as of texts', async () => {
    const tree = await planOf('EXPLAIN MATCH (p:Person {id: $id}) RETURN p.name', { id: 7 });
    expect(namesOf(tree)).toEqual(['RESULT_COLLECTOR', ['PROJECTION', ['PRIMARY_KEY_SCAN_NODE_TABLE']]]);
    expect(find(tree, 'PRIMARY_KEY_SCAN_NODE_TABLE')!.details).toContain('Index: HASH');
  });

  it('has two branches below a join', async () => {
    const tree = await planOf(
      'EXPLAIN MATCH (a:Person)-[:KNOWS]->(b:Person) WHERE b.name = "person 3" RETURN a.name, b.name',
    );
    const join = find(tree, 'HASH_JOIN_PROBE')!;
    expect(join.children).toHaveLength(2);
    expect(join.children[1].operator).toBe('HASH_JOIN_BUILD');
  });

  it('has rows and times after PROFILE', async () => {
    const tree = await planOf('PROFILE MATCH (p:Person) RETURN p.name');
    expect(tree.operator).toBe('PROFILE');
    const scan = find(tree, 'SCAN_NODE_TABLE')!;
    expect(scan.rows).toBe(500);
    expect(scan.timeMs).toBeGreaterThan(0);
  });

  it('is not there for what is no plan', () => {
    expect(planTree('Ada')).toBeUndefined();
    expect(planTree('┌──┐\n│??│\n└──┘')).toBeUndefined();
  });
});
