/** What a megabyte is in settings, limits and answers. */
export const BYTES_PER_MB = 1_048_576;
