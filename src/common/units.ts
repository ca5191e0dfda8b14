/** What a megabyte is in settings, limits and answers. */
export const BYTES_PER_MB = 1_048_576;
/** What a database column of type integer goes up to. */
export const LARGEST_INTEGER = 2 ** 31 - 1;
