/** Injection token: the connection URL of the database, embedded or given. */
export const DATABASE_URL = Symbol('DATABASE_URL');
