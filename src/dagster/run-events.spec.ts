import answers from '../../test/support/dagster-answers.json';
import type { RunEvent } from './dagster-api';
import { cleaned, newsOf } from './run-events';
import { hasEnded, percentOf, stateOf } from './run-states';

const line = (message: string): RunEvent => ({
  __typename: 'LogMessageEvent',
  message,
  timestamp: '0',
  stepKey: 'step',
});

describe('the events of a run', () => {
  it('are told as steps, progress, and one failure in its own words', () => {
    const news = (answers.events.logsForRun.events as RunEvent[]).map(newsOf).filter((one) => one !== null);
    const why = 'told to fail at step 2, see <path>';
    expect(news).toEqual([
      { message: 'Step work has started' },
      {
        message: 'The Dagster run has done 1 of 3',
        percent: 100 / 3,
        details: { done: 1, total: 3, colour: 'blue' },
      },
      {
        message: 'The Dagster run has done 2 of 3',
        percent: 200 / 3,
        details: { done: 2, total: 3, colour: 'blue' },
      },
      {
        message: `Step work failed: ${why}`,
        failure: { step: 'work', message: why, error_class: 'ValueError' },
      },
      { message: `The run failed: ${why}`, failure: { step: null, message: why, error_class: 'ValueError' } },
    ]);
  });

  it.each([
    ['PROGRESS {"percent": 250, "message": "far"}', { message: 'far', percent: 100, details: {} }],
    [
      'PROGRESS {"run_url": "http://evil", "deep": {"a": 1}, "n": 2}',
      { message: 'The Dagster run goes on', details: { n: 2 } },
    ],
    [
      'PROGRESS {"done": 1, "total": 0}',
      { message: 'The Dagster run has done 1 of 0', details: { done: 1, total: 0 } },
    ],
    ['PROGRESS [1]', null],
    ['PROGRESS {', null],
    [`PROGRESS {"message": "${'x'.repeat(5_000)}"}`, null],
    ['Only a line', null],
  ])('%.60s', (text, expected) => {
    expect(newsOf(line(text))).toEqual(expected);
  });

  it.each([
    ['dagster._core.definitions.events.Failure: disk full\n', 'disk full'],
    ["KeyError: 'a'", "'a'"],
    ["FileNotFoundError: [Errno 2] No such file: '/var/lib/code/x.csv'", "[Errno 2] No such file: '<path>'"],
    ['Traceback (most recent call last):\n  File "/srv/a.py", line 3\nValueError: no', 'no'],
    ['see https://example.org/a/b', 'see https://example.org/a/b'],
    ['\n', 'it gave no reason'],
  ])('%j is told as %j', (message, words) => {
    expect(cleaned(message)).toBe(words);
  });

  it('end with three statuses alone: one that nobody knows goes on', () => {
    expect(['SUCCESS', 'FAILURE', 'CANCELED'].map(stateOf)).toEqual(['succeeded', 'failed', 'cancelled']);
    const others = ['QUEUED', 'NOT_STARTED', 'MANAGED', 'STARTING', 'STARTED', 'SUSPENDED', 'CANCELING', 'BRAND_NEW'];
    expect(others.filter((status) => hasEnded({ status }))).toEqual([]);
    expect(percentOf('BRAND_NEW')).toBeNull();
  });
});
