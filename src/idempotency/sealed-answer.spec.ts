import { KeySecrets } from './sealed-answer';

describe('what is derived from an Idempotency-Key', () => {
  const secrets = new KeySecrets('key', 'user POST /v1/graphs');
  const answer = { status: 201, body: { key: 'gs_secret', at: '2026-01-01T00:00:00.000Z' } };

  it('opens what it sealed, and every seal is another', () => {
    const [one, two] = [secrets.seal(answer), secrets.seal(answer)];
    expect(secrets.open(one)).toEqual(answer);
    expect(new KeySecrets('key', 'user POST /v1/graphs').open(two)).toEqual(answer);
    expect(one.equals(two)).toBe(false);
    expect(secrets.open(secrets.seal({ status: 204, body: undefined }))).toEqual({ status: 204 });
  });

  it.each([
    ['another key', new KeySecrets('other', 'user POST /v1/graphs')],
    ['another scope', new KeySecrets('key', 'user POST /v1/orgs')],
  ])('has nothing in common with %s', (_, other) => {
    expect(other.hash.equals(secrets.hash)).toBe(false);
    expect(other.hashOf('{}').equals(secrets.hashOf('{}'))).toBe(false);
    expect(() => other.open(secrets.seal(answer))).toThrow();
  });

  it('refuses bytes that were changed', () => {
    const sealed = secrets.seal(answer);
    sealed[sealed.length - 1] ^= 1;
    expect(() => secrets.open(sealed)).toThrow();
  });
});
