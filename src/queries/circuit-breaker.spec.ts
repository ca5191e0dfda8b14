import {
  EngineBusy,
  EngineLost,
  GraphUnreadable,
  QueryInvalid,
  QueryTimeout,
  WriteRefused,
} from '../engine/engine.errors';
import { CircuitBreaker } from './circuit-breaker';
import { GraphCircuitOpen } from './queries.errors';

describe('the circuit breaker', () => {
  let now: number;
  let breaker: CircuitBreaker;

  beforeEach(() => {
    now = 1_000;
    breaker = new CircuitBreaker({ failures: 3, pauseMs: 10_000 }, () => now);
  });

  const fail = (times: number, graphId = 'g'): boolean[] =>
    Array.from({ length: times }, () => {
      breaker.enter(graphId);
      return breaker.observe(graphId, new EngineLost());
    });

  it('opens after so many failures of the engine in a row, for this graph alone', () => {
    expect(fail(3)).toEqual([false, false, true]);
    expect(() => breaker.enter('g')).toThrow(GraphCircuitOpen);
    expect(() => breaker.enter('other')).not.toThrow();
    try {
      breaker.enter('g');
    } catch (error) {
      expect(error).toMatchObject({ kind: 'unavailable', retryAfterSeconds: 10 });
    }
  });

  it('counts a file that does not open', () => {
    for (let i = 0; i < 3; i += 1) breaker.observe('g', new GraphUnreadable());
    expect(() => breaker.enter('g')).toThrow(GraphCircuitOpen);
  });

  it.each([new QueryInvalid('no such table'), new QueryTimeout(1), new WriteRefused(), new EngineBusy()])(
    'never opens for %s',
    (error) => {
      for (let i = 0; i < 100; i += 1) {
        breaker.enter('g');
        expect(breaker.observe('g', error)).toBe(false);
      }
    },
  );

  it('begins to count anew after any answer of the engine', () => {
    fail(2);
    breaker.observe('g', new QueryInvalid('typing error'));
    expect(fail(2)).toEqual([false, false]);
    breaker.observe('g');
    expect(fail(2)).toEqual([false, false]);
  });

  it('does not take "busy" for an answer of the engine', () => {
    fail(2);
    breaker.observe('g', new EngineBusy());
    expect(fail(1)).toEqual([true]);
  });

  it('tries one query after the pause, closes by its success and opens again by its failure', () => {
    fail(3);
    now += 10_000;
    breaker.enter('g');
    expect(() => breaker.enter('g')).toThrow(GraphCircuitOpen);
    breaker.observe('g', new EngineLost());
    expect(() => breaker.enter('g')).toThrow(GraphCircuitOpen);
    now += 10_000;
    breaker.enter('g');
    breaker.observe('g');
    breaker.enter('g');
    breaker.enter('g');
  });

  it('lets the next one try where the probe never reached the engine', () => {
    fail(3);
    now += 10_000;
    breaker.enter('g');
    breaker.observe('g', new EngineBusy());
    expect(() => breaker.enter('g')).not.toThrow();
  });
});
