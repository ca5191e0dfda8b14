import { Injectable } from '@nestjs/common';
import { HandlesOperation } from '../../src/jobs/handles-operation';
import { OperationProcessor } from '../../src/jobs/operation-processor';
import type { OperationContext } from '../../src/jobs/operation-context';
import { defineOperation } from '../../src/operations/define-operation';
import { OperationsWorld, Script, TestPayload } from '../support/operations-world';

/** Operations that are stopped together with their process. */
export const AT_ONCE = 50;

/** Fifty at once, so that stopping their process once stops fifty operations at fifty different points. */
export const ManyWork = defineOperation({
  name: 'many_work',
  locks: 'none',
  retryRole: 'member',
  payload: TestPayload,
  policy: {
    attempts: 5,
    backoffMs: 20,
    timeoutMs: 120_000,
    concurrency: AT_ONCE,
    cancellable: true,
    retentionDays: 1,
  },
});

@Injectable()
@HandlesOperation(ManyWork)
export class ManyWorkProcessor extends OperationProcessor<typeof ManyWork> {
  constructor(private readonly script: Script) {
    super();
  }

  run(payload: TestPayload, ctx: OperationContext): Promise<object> {
    return this.script.run(ctx, payload);
  }
}

/** Leases as short as can be, and no wait for a process that hangs in a transaction. */
export const QUICK = {
  LEASE_SECONDS: '2',
  LEASE_RENEW_SECONDS: '1',
  REAPER_SECONDS: '1',
  SWEEPER_SECONDS: '1',
  RESEND_SECONDS: '1',
  DATABASE_IDLE_TRANSACTION_SECONDS: '1',
  SHUTDOWN_GRACE_SECONDS: '0',
};

export function startWorld(url: string, roles: string, run: Script['run']): Promise<OperationsWorld> {
  const script = new Script();
  script.run = run;
  const options = { script, processors: [ManyWorkProcessor], contracts: [ManyWork] };
  return OperationsWorld.start(url, { ...QUICK, ROLES: roles }, options);
}

/**
 * Writes in every way that work has, again and again: rows of its own with the attempt that wrote them beside the one
 * that was current, and progress that names the attempt.
 */
export async function writeMuch(ctx: OperationContext, writes: number): Promise<object> {
  for (let n = 1; n <= writes; n += 1) {
    ctx.progress(n, `attempt ${ctx.attempt}`);
    await ctx.transaction(async (em) => {
      await em.query(
        `insert into chaos_write (operation_id, attempt, current_attempt)
         select id, $2, attempt from operation where id = $1`,
        [ctx.operationId, ctx.attempt],
      );
      // As domain writes do: between the first statement and the last, anything can happen to the process.
      await em.query('select pg_sleep(0.002)');
    });
  }
  return { attempt: ctx.attempt };
}
