import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';
import { GenerationsService } from './generations.service';

/** Whether an operation still needs the files of generation `g`. */
const PINNED = `exists (select from operation p where p.id = any(g.pinned_by) and p.status in ('pending', 'running'))`;

/** Removes the files of generations that nobody needs. */
@Injectable()
export class GenerationCollector {
  constructor(
    private readonly transactor: Transactor,
    private readonly generations: GenerationsService,
  ) {}

  /**
   * Removes the files of generations that were replaced long enough ago, or that are not the one before the live one and
   * have no reader left, and of builds whose attempt is over. Safe in many processes at once: each claims what it removes,
   * so that nothing that was claimed can go live again. Returns how many it removed.
   */
  async collect(keepHours: number, drainSeconds: number): Promise<number> {
    const { em } = this.transactor;
    const rows = await em.query<{ graph_id: string; number: number; status: string }[]>(
      `select g.graph_id, g.number, g.status from generation g
       left join operation o on o.id = g.operation_id
       where (g.status = 'retired' and not ${PINNED} and g.retired_at < now() - make_interval(hours => $1))
          or (g.status = 'retired' and not ${PINNED} and g.retired_at < now() - make_interval(secs => $2) and not exists (
               select from generation l where l.graph_id = g.graph_id and l.status = 'live' and l.previous = g.number))
          or (g.status = 'building' and (o.id is null or o.status not in ('pending', 'running') or o.attempt <> g.attempt))
          or g.status = 'collecting'
       limit 100`,
      [keepHours, drainSeconds],
    );
    for (const { graph_id: graphId, number, status } of rows) {
      if (status !== 'building' && !(await this.claim(graphId, number))) continue;
      await this.generations.discard(this.generations.ref(graphId, number));
      const [from, to] = status === 'building' ? ['building', 'abandoned'] : ['collecting', 'collected'];
      await em.query('update generation set status = $3 where graph_id = $1 and number = $2 and status = $4', [
        graphId,
        number,
        to,
        from,
      ]);
    }
    return rows.length;
  }

  private async claim(graphId: string, number: number): Promise<boolean> {
    const [, claimed] = await this.transactor.em.query<[unknown, number]>(
      `update generation g set status = 'collecting'
       where graph_id = $1 and number = $2 and (status = 'collecting' or (status = 'retired' and not ${PINNED}))`,
      [graphId, number],
    );
    return claimed === 1;
  }
}
