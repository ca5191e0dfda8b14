import type { PlanOperator } from '../engine/graph-engine';

const PLAN = /^\s*(EXPLAIN|PROFILE)\b/i;

/** Whether a statement asks how it would be, or was, run. */
export function asksForPlan(statement: string): boolean {
  return PLAN.test(statement);
}

/** The statement with EXPLAIN before it, unless it asks for its plan already. */
export function explained(statement: string): string {
  return asksForPlan(statement) ? statement : `EXPLAIN ${statement}`;
}

/** A JSON answer with `plan`, the tree of operators in the engine's text; null where the text cannot be read as one. */
export function withPlan(answer: Buffer, readPlan: (text: string) => PlanOperator | undefined): Buffer {
  const document = JSON.parse(answer.toString()) as { data: Record<string, unknown>[] };
  const [text] = Object.values(document.data[0] ?? {});
  const plan = typeof text === 'string' ? readPlan(text) : undefined;
  return Buffer.from(JSON.stringify({ ...document, plan: plan ? toPlanDto(plan) : null }));
}

function toPlanDto({ operator, details, rows, timeMs, children }: PlanOperator): object {
  return { operator, details, rows, time_ms: timeMs, children: children.map(toPlanDto) };
}
