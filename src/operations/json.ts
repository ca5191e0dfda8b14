/** NUL and halves of surrogate pairs: legal in a JavaScript string, refused by Postgres' jsonb. */
const REFUSED_BY_JSONB = /[\0\p{Cs}]/gu;

/** JSON that jsonb always takes: what it would refuse becomes U+FFFD, and a bigint becomes its digits as text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'bigint') return member.toString();
    return typeof member === 'string' ? member.replace(REFUSED_BY_JSONB, '\ufffd') : member;
  });
}
