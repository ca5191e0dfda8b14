/** An escape sequence of JSON: NUL and half a surrogate pair (group 1), which jsonb refuses, or any other one. */
const ESCAPE = /\\(?:(u0000|ud[89a-f][0-9a-f]{2})|[^])/g;

/** JSON that jsonb always takes, in keys too: what it would refuse becomes U+FFFD, a bigint becomes its digits as text. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  );
  return json.replace(ESCAPE, (escape, refused?: string) => (refused === undefined ? escape : '\ufffd'));
}
