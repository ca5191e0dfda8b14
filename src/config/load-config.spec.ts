import { envExample } from '../cli/env-example';
import { InvalidSettings, loadConfig, loadConfigs } from './load-config';
import { integer, listOf, oneOf, Setting, text, url } from './setting';

class KitchenConfig {
  @Setting('OVENS', integer({ min: 1, max: 9 }), 'how many ovens')
  readonly ovens: number = 2;

  @Setting('DISHES', listOf('soup', 'bread'), 'what is cooked')
  readonly dishes: ('soup' | 'bread')[] = ['soup'];

  @Setting('HEAT', oneOf('low', 'high'), 'how hot')
  readonly heat: 'low' | 'high' = 'low';
}

class CellarConfig {
  @Setting('CELLAR_URL', url('https'), 'where the cellar is', 'none')
  readonly url?: string = undefined;

  @Setting('CELLAR_SECRET', text(), 'what opens it')
  readonly secret: string = 'sesame';
}

describe('loadConfig', () => {
  it('keeps defaults where nothing or an empty text is given, and reads the rest', () => {
    expect(loadConfig(KitchenConfig, { OVENS: '', HEAT: 'high', DISHES: 'bread, soup' })).toEqual({
      ovens: 2,
      dishes: ['bread', 'soup'],
      heat: 'high',
    });
  });

  it.each([
    [{ OVENS: 'two' }, 'OVENS: "two" must be a whole number from 1 to 9'],
    [{ OVENS: '10' }, 'OVENS: "10" must be a whole number from 1 to 9'],
    [{ OVENS: '1.5' }, 'OVENS: "1.5" must be'],
    [{ DISHES: 'soup,soup' }, 'DISHES: "soup,soup" must not name a word twice'],
    [{ DISHES: 'soup,stone' }, 'DISHES: "soup,stone" must be one of soup, bread'],
    [{ HEAT: 'HIGH' }, 'HEAT: "HIGH" must be one of low, high'],
  ])('%j: %s', (environment, line) => {
    expect(() => loadConfig(KitchenConfig, environment)).toThrow(line);
  });

  it('reports the problems of all classes at once, one line each, with what to do', () => {
    try {
      loadConfigs([KitchenConfig, CellarConfig], { OVENS: '0', HEAT: 'x', CELLAR_URL: 'ftp://x' });
      throw new Error('accepted');
    } catch (error) {
      expect((error as InvalidSettings).problems).toHaveLength(3);
      expect((error as InvalidSettings).problems[2]).toBe(
        'CELLAR_URL: "ftp://x" must be a URL that starts with https://. Set it right or remove it (where the cellar is).',
      );
    }
  });

  it('never repeats a secret', () => {
    expect(() => loadConfig(CellarConfig, { CELLAR_SECRET: '   ' })).toThrow(
      'CELLAR_SECRET: its value must not be empty',
    );
  });
});

describe('envExample', () => {
  it('lists every setting with its meaning and default', () => {
    expect(envExample([KitchenConfig, CellarConfig])).toContain(
      '# --- Kitchen ---\n# how many ovens\n#OVENS=2\n# what is cooked\n#DISHES=soup\n# how hot\n#HEAT=low\n\n# --- Cellar ---\n# where the cellar is (default: none)\n#CELLAR_URL=\n',
    );
  });
});
