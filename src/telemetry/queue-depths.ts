import { Injectable } from '@nestjs/common';
import { Transactor } from '../database/transactor';

/** How many operations of one type wait or run, in the whole installation. */
export interface TypeDepth {
  type: string;
  status: 'pending' | 'running';
  operations: number;
  /** How long the first of those that wait has been due; 0 where none is, and for those that run. */
  oldestSeconds: number;
}

export interface DeadLetterDepth {
  type: string;
  open: number;
}

export interface Depths {
  operations: TypeDepth[];
  deadLetters: DeadLetterDepth[];
}

/** Collectors that ask within this time share one look at the database. */
const SHARED_MS = 5_000;

/** What the database knows of the queue. It is asked when somebody wants to know, by two statements over partial indexes. */
@Injectable()
export class QueueDepths {
  private latest?: { askedAt: number; answer: Promise<Depths> };

  constructor(private readonly tx: Transactor) {}

  current(): Promise<Depths> {
    const now = performance.now();
    if (!this.latest || now - this.latest.askedAt > SHARED_MS) {
      const answer = this.ask();
      this.latest = { askedAt: now, answer };
      // Only answers are shared: whoever asks after a failure asks the database again.
      answer.catch(() => (this.latest = undefined));
    }
    return this.latest.answer;
  }

  private async ask(): Promise<Depths> {
    const operations = await this.tx.em.query<TypeDepth[]>(
      `select type, status, count(*)::int as operations,
         greatest(0, extract(epoch from now() - min(run_after)))::float8 as "oldestSeconds"
       from operation where status = 'pending' group by type, status
       union all
       select type, status, count(*)::int, 0 from operation where status = 'running' group by type, status`,
    );
    const deadLetters = await this.tx.em.query<DeadLetterDepth[]>(
      `select o.type, count(*)::int as open from dead_letter d join operation o on o.id = d.operation_id
       where d.status = 'open' group by o.type`,
    );
    return { operations, deadLetters };
  }
}
