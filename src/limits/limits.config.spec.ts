import { loadConfig } from '../config/load-config';
import { ContentTooLarge } from './limits.errors';
import { LimitsConfig } from './limits.config';
import { TierTable } from './tier-table';
import { DEFAULT_LIMITS } from './tiers';

const tableOf = (TIER_LIMITS?: string) => new TierTable(loadConfig(LimitsConfig, { TIER_LIMITS }));

describe('the table of limits', () => {
  it('is the built-in one where nothing is set', () => {
    expect(tableOf().of('ladybug-large')).toEqual(DEFAULT_LIMITS['ladybug-large']);
  });

  it('takes single figures from TIER_LIMITS, those of a tier before those for all', () => {
    const table = tableOf('{"*": {"nodes": 7, "storage_gb": 2}, "ladybug-large": {"nodes": 9}}');
    expect(table.of('ladybug-standard')).toEqual({ ...DEFAULT_LIMITS['ladybug-standard'], nodes: 7, storage_gb: 2 });
    expect(table.of('ladybug-large')).toMatchObject({ nodes: 9, storage_gb: 2 });
  });

  it('counts an unknown tier as the smallest', () => {
    expect(tableOf().of('platinum')).toEqual(DEFAULT_LIMITS['ladybug-standard']);
  });

  it.each([
    ['{', 'must be JSON'],
    ['[]', 'must be a JSON object'],
    ['{"huge": {}}', 'names the tier "huge"'],
    ['{"*": 5}', 'must have an object of limits for *'],
    ['{"*": {"speed": 5}}', 'names the limit "speed" of *'],
    ['{"ladybug-large": {"nodes": 0}}', 'must have a whole number from 1 on as nodes of ladybug-large'],
    ['{"*": {"nodes": "5"}}', 'must have a whole number'],
  ])('refuses %s', (text, complaint) => {
    expect(() => tableOf(text)).toThrow(complaint);
  });
});

describe('content', () => {
  const table = tableOf('{"*": {"nodes": 10, "relationships": 20, "rows_per_table": 8}}');

  it('passes up to the limits', () => {
    const content = { nodes: { A: 8, B: 2 }, relationships: { R: 8, S: 8, T: 4 } };
    expect(() => table.requireContent('ladybug-standard', content)).not.toThrow();
  });

  it('is refused beyond them, with every figure that is too high', () => {
    const content = { nodes: { A: 9, B: 2 }, relationships: { R: 1 } };
    expect(() => table.requireContent('ladybug-standard', content)).toThrow(ContentTooLarge);
    try {
      table.requireContent('ladybug-standard', content);
    } catch (error) {
      expect(error).toMatchObject({
        kind: 'too_large',
        details: {
          tier: 'ladybug-standard',
          exceeded: [
            { limit: 'nodes', allowed: 10, actual: 11 },
            { limit: 'rows_per_table', table: 'A', allowed: 8, actual: 9 },
          ],
        },
      });
    }
  });
});
