import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';

const names = new Map<string, string>();

/**
 * Always true where `$2` is the `event_type` of the rows of `free`, and for the planner a reason to expect one row: it looks
 * each operation up by its key then, also where it plans for a table that is small now and will be large.
 */
export const ONE_ROW = 'free.event_type = $2';

/**
 * Rows of a statement that every connection parses and plans once and then only runs: for the few statements that are sent
 * all the time, since a connection never forgets one. Values are parameters, so that there are few different texts, and
 * results name their columns: what `*` stands for may change under an older process while a new version migrates.
 */
export function queryPrepared<R extends object>(em: EntityManager, text: string, parameters: unknown[]): Promise<R[]> {
  // TypeORM hands on to node-postgres what it gets; its types just do not know of statements with a name.
  const statement = { name: nameOf(text), text } as unknown as string;
  return em.query<R[]>(statement, parameters);
}

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `gs_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    names.set(text, name);
  }
  return name;
}
