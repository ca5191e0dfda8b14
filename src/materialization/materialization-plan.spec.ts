import type { Generation } from '../graphs/graph.entity';
import type { StagedFile } from '../staging/staged-file.entity';
import { LoadEstimate } from './load-estimate';
import { type Mode, planMaterialization } from './materialization-plan';

const files = (...ids: string[]): StagedFile[] => ids.map((id) => ({ id }) as StagedFile);
const live = (
  held: string[],
  { otherRows = false, rows = held.length, behind = null as string | null } = {},
): Generation =>
  ({ files: held, otherRows, behind, manifest: { nodes: { A: rows }, relationships: {} } }) as unknown as Generation;

describe('planMaterialization', () => {
  const plan = (mode: Mode, staged: string[], generation: Generation, force = false) => {
    const { mode: decided, files: load, contents } = planMaterialization(mode, files(...staged), generation, { force });
    return [decided, load.map(({ id }) => id).join(), contents.files.join(), contents.otherRows];
  };

  it('loads only new files exactly while all that the graph holds is still staged', () => {
    expect(plan('auto', ['a', 'b'], live(['a']))).toEqual(['incremental', 'b', 'a,b', false]);
    expect(plan('auto', ['a'], live(['a']))).toEqual(['none', '', 'a', false]);
    expect(plan('auto', ['b'], live(['a']))).toEqual(['rebuild', 'b', 'b', false]);
    expect(plan('rebuild', ['a', 'b'], live(['a']))).toEqual(['rebuild', 'a,b', 'a,b', false]);
    expect(plan('auto', ['a'], live(['a']), true)).toEqual(['rebuild', 'a', 'a', false]);
    expect(plan('auto', ['a'], live([]))).toEqual(['rebuild', 'a', 'a', false]);
    expect(() => plan('incremental', ['b'], live(['a']))).toThrow('"rebuild": true');
    expect(() => plan('auto', [], live([]))).toThrow('No file is staged');
  });

  it('builds all again where the schema asks for more of the files than the graph took', () => {
    const behind = live(['a'], { behind: 'The schema changed: a has the new x' });
    expect(plan('auto', ['a'], behind)).toEqual(['rebuild', 'a', 'a', false]);
    expect(plan('auto', ['a', 'b'], behind)).toEqual(['rebuild', 'a,b', 'a,b', false]);
    expect(planMaterialization('auto', files('a'), behind)).toMatchObject({
      why: 'The schema changed: a has the new x',
      contents: { behind: null },
    });
    expect(() => plan('incremental', ['a', 'b'], behind)).toThrow('"rebuild": true');
    expect(() => plan('auto', ['a'], live(['a'], { behind: 'x', otherRows: true }))).toThrow('would lose');
  });

  it('never loses rows that are in no file unless a rebuild is asked for', () => {
    expect(plan('auto', ['a'], live([], { rows: 5 }))).toEqual(['incremental', 'a', 'a', true]);
    expect(plan('auto', ['a'], live(['a'], { otherRows: true }), true)).toEqual(['none', '', 'a', true]);
    expect(() => plan('auto', ['b'], live(['a'], { otherRows: true }))).toThrow('would lose');
    expect(plan('rebuild', ['b'], live(['a'], { otherRows: true }))).toEqual(['rebuild', 'b', 'b', false]);
  });
});

describe('LoadEstimate', () => {
  it('says nothing until enough was measured, then what the rate so far makes of it', () => {
    let now = 0;
    const estimate = new LoadEstimate(() => now);
    expect(estimate.secondsLeft(0, 100)).toBeNull();
    now = 100;
    expect(estimate.secondsLeft(50, 100)).toBeNull();
    now = 10_000;
    expect(estimate.secondsLeft(25, 100)).toBe(30);
    expect(estimate.secondsLeft(0, 100)).toBeNull();
    expect(estimate.secondsLeft(100, 100)).toBe(0);
  });
});
