import { Logger } from '@nestjs/common';
import type { OperationProgress } from '../operations/operation.entity';
import { ProgressReporter } from './progress-reporter';

describe('reports of progress', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  let stored: OperationProgress[];
  let reporter: ProgressReporter;

  beforeEach(() => {
    jest.useFakeTimers();
    stored = [];
    reporter = new ProgressReporter(async (progress) => void stored.push(progress));
  });

  afterEach(() => jest.useRealTimers());

  it('are at most ten a second, and the newest is never lost', async () => {
    for (let ms = 0; ms < 1_000; ms += 10) {
      reporter.report(ms / 10, `at ${ms}`);
      await jest.advanceTimersByTimeAsync(10);
    }
    await reporter.end();
    expect(stored.length).toBeGreaterThan(5);
    expect(stored.length).toBeLessThanOrEqual(11);
    expect(stored.at(-1)).toEqual({ percent: 99, message: 'at 990' });
  });

  it('stay between 0 and 100, and carry steps in the names of the wire', async () => {
    reporter.report(140, 'a', { currentStep: 2, totalSteps: 3, rows: 7 });
    await jest.advanceTimersByTimeAsync(200);
    reporter.report(Number.NaN, 'b');
    await reporter.end();
    expect(stored).toEqual([
      { percent: 100, message: 'a', current_step: 2, total_steps: 3, rows: 7 },
      { percent: null, message: 'b' },
    ]);
  });

  it('do not fail the work when they cannot be stored, and stop with the attempt', async () => {
    let tries = 0;
    const failing = new ProgressReporter(async () => {
      tries += 1;
      throw new Error('no database');
    });
    failing.report(1, 'a');
    await failing.end();
    failing.report(2, 'b');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(tries).toBe(1);
  });
});
