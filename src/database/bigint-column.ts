import type { ValueTransformer } from 'typeorm';

/** For columns of the type bigint with sizes and counts: they are below 2^53, and the driver gives them as text. */
export const bigint: ValueTransformer = {
  from: (value: string | null) => (value === null ? null : Number(value)),
  to: (value: number | null) => value,
};
