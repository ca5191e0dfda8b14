import { connect } from 'node:net';
import { once } from 'node:events';
import { QueryFailedError, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { isConnectionError } from './lost-connection';

const failed = (cause: Error): Error => new QueryFailedError('select 1', [], cause);

describe('isConnectionError', () => {
  it.each([
    ['a statement whose server was killed', failed(new Error('Connection terminated unexpectedly'))],
    ['a client that has lost its server', failed(new Error('Client was closed and is not queryable'))],
    ['a pool that gets no connection in time', new Error('timeout exceeded when trying to connect')],
    ['a server that is going down', failed(Object.assign(new Error('shutting down'), { code: '57P03' }))],
    ['a query runner without its connection', new QueryRunnerAlreadyReleasedError()],
    ['an entity manager whose query runner is gone', new QueryRunnerProviderAlreadyReleasedError()],
    ['the cause of something else', new Error('Not done', { cause: new Error('Connection terminated') })],
  ])('knows %s', (_, error) => {
    expect(isConnectionError(error)).toBe(true);
  });

  it('knows a unix socket that is not there while its server is down', async () => {
    const [error] = (await once(connect('/nowhere/.s.PGSQL.5432'), 'close').catch((cause: unknown) => [cause])) as [
      Error,
    ];
    expect(error).toMatchObject({ code: 'ENOENT' });
    expect(isConnectionError(failed(error))).toBe(true);
  });

  it.each([
    ['a unique violation', failed(Object.assign(new Error('duplicate key'), { code: '23505' }))],
    ['a file that is not there', Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' })],
    ['a defect', new TypeError('undefined is not a function')],
    ['what is no error', 'Connection terminated'],
  ])('does not take %s for one', (_, error) => {
    expect(isConnectionError(error)).toBe(false);
  });
});
