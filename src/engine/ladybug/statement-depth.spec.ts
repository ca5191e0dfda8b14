import { StatementTooDeep } from '../engine.errors';
import { guardCondition, guardStatement } from './statement-guard';

const times = (text: string, count: number): string => text.repeat(count);

/** What is nested so deep that the engine's process would end of it; `test/e2e/bad-input.spec.ts` shows that it lives on. */
describe('the depth of statements', () => {
  it.each([
    ['lists', (n: number) => `RETURN ${times('[', n)}1${times(']', n)}`, 100],
    ['parentheses', (n: number) => `RETURN ${times('(', n)}1${times(')', n)}`, 100],
    ['brackets of all kinds', (n: number) => `RETURN ${times('([{a:', n / 4)}1${times('}])', n / 4)}`, 120],
    ['properties', (n: number) => `MATCH (p) RETURN p${times('.a', n)}`, 100],
    ['indexes', (n: number) => `RETURN [1]${times('[0]', n)}`, 99],
    ['both in turns', (n: number) => `MATCH (p) RETURN p${times('.a[0]', n / 2)}`, 100],
    ['functions of lists', (n: number) => `RETURN ${times('f(x[', n / 2)}0${times('])', n / 2)}`, 100],
    ['powers', (n: number) => `RETURN 1${times('^1', n)}`, 500],
  ])('is limited for %s', (_, statement, most) => {
    expect(() => guardStatement(statement(most))).not.toThrow();
    expect(() => guardStatement(statement(50_000))).toThrow(StatementTooDeep);
    expect(() => guardStatement(statement(most + 40))).toThrow(StatementTooDeep);
  });

  it('is no matter of how long they are', () => {
    for (const statement of [
      `RETURN [${times('[1],', 10_000)}[1]]`,
      `MATCH (p) WHERE ${times('p.id = 1 OR ', 4_000)}p.id = 2 RETURN p.name`,
      `RETURN ${times('1 + ', 10_000)}1`,
      `RETURN "${times('[', 10_000)}"`,
      `MATCH ${times('(a)-[:KNOWS]->', 2_000)}(a) RETURN 1`,
      `RETURN ${times('x[0], ', 5_000)}1`,
      `RETURN 2^3 + ${times('2^3, ', 5_000)}1`,
    ])
      expect(() => guardStatement(statement)).not.toThrow();
  });

  it('is limited for conditions as well', () => {
    expect(() => guardCondition(`${times('(', 200)}true${times(')', 200)}`)).toThrow(StatementTooDeep);
  });
});
