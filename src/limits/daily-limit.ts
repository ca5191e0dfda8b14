import type { EntityManager } from 'typeorm';
import { DailyLimitReached } from './limits.errors';

/**
 * Makes sure that a graph had fewer than `limit` operations of a type in the last 24 hours. `what` names them in words.
 * Inside the transaction that begins the next one. Throws {@link DailyLimitReached}.
 */
export async function requireRoomToday(
  em: EntityManager,
  { graphId, type, limit, what }: { graphId: string; type: string; limit: number; what: string },
): Promise<void> {
  // The one whose age makes room for the next.
  const [blocking] = await em.query<{ seconds: number }[]>(
    `select ceil(extract(epoch from created_at + interval '24 hours' - now()))::int as seconds from operation
     where graph_id = $1 and type = $2 and created_at > now() - interval '24 hours'
     order by id desc offset $3 limit 1`,
    [graphId, type, limit - 1],
  );
  if (blocking !== undefined) throw new DailyLimitReached(what, limit, Math.max(1, blocking.seconds));
}
