import { DomainError } from '../common/domain-error';
import type { OperationPolicy } from '../operations/define-operation';
import { backoffMs, isRetryable } from './retry-policy';

class Passing extends DomainError {
  readonly code = 'passing';
  readonly kind = 'unavailable';
  override readonly retryable = true;
}

class Final extends DomainError {
  readonly code = 'final';
  readonly kind = 'invalid';
}

describe('what is retried', () => {
  it.each([
    ['a failure that says so', new Passing(), true],
    ["a user's mistake", new Final(), false],
    ['a reset connection', Object.assign(new Error('read'), { code: 'ECONNRESET' }), true],
    ['a database that is starting', Object.assign(new Error('starting up'), { code: '57P03' }), true],
    [
      'one as the cause of another',
      new Error('fetch failed', { cause: Object.assign(new Error(), { code: 'UND_ERR_SOCKET' }) }),
      true,
    ],
    ['a lost statement', new Error('Connection terminated unexpectedly'), true],
    ['a defect', new TypeError('x is not a function'), false],
    ['a missing file', Object.assign(new Error('open'), { code: 'ENOENT' }), false],
    ['a broken constraint', Object.assign(new Error('duplicate'), { code: '23505' }), false],
    ['what is not an error', 'no', false],
  ])('%s', (_, error, expected) => {
    expect(isRetryable(error)).toBe(expected);
  });
});

describe('the wait before the next attempt', () => {
  const policy = { backoffMs: 1_000 } as OperationPolicy;

  it('doubles, up to five minutes', () => {
    expect([1, 2, 3, 20].map((attempt) => backoffMs(policy, attempt, 0.5))).toEqual([1_000, 2_000, 4_000, 300_000]);
  });

  it('is spread by a fifth either way', () => {
    expect([backoffMs(policy, 1, 0), backoffMs(policy, 1, 1)]).toEqual([800, 1_200]);
  });
});
