import { toJson } from './json';

describe('JSON for jsonb', () => {
  it.each([
    ['NUL', 'a\0b', 'a\ufffdb'],
    ['several in a row', '\0\0', '\ufffd\ufffd'],
    ['half a surrogate pair', 'a\ud83d', 'a\ufffd'],
    ['the other half', '\ude00a', '\ufffda'],
    ['a whole pair', '😀', '😀'],
    ['what only looks like an escape', '\\u0000 \\\\ud800', '\\u0000 \\\\ud800'],
    ['a backslash before NUL', '\\\0', '\\\ufffd'],
    ['other escapes', '\n\t"\u0001\u2028', '\n\t"\u0001\u2028'],
  ])('takes %s', (_what, text, expected) => {
    expect(JSON.parse(toJson({ text }))).toEqual({ text: expected });
    expect(JSON.parse(toJson({ [text]: [text] }))).toEqual({ [expected]: [expected] });
  });

  it('writes big integers as text', () => {
    expect(toJson({ n: 2n ** 60n })).toBe('{"n":"1152921504606846976"}');
  });
});
