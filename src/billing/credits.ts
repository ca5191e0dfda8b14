/** Why a balance changed. Amounts are positive where it grew. */
export const CREDIT_TRANSACTION_TYPES = ['allocation', 'consumption', 'bonus', 'refund', 'expiration'] as const;
export type CreditTransactionType = (typeof CREDIT_TRANSACTION_TYPES)[number];

/** What a graph and its subgraphs may spend until the end of the month. Amounts are credits with two decimals. */
export interface CreditPool {
  graphId: string;
  balance: number;
  monthlyAllocation: number;
  /** First day of the last month that credits were allocated for, as `YYYY-MM-DD`. */
  month: string;
  alertedPercent: number | null;
}

/** One change of a balance; never changed itself. */
export interface CreditTransaction {
  id: string;
  graphId: string;
  type: CreditTransactionType;
  amount: number;
  balanceAfter: number;
  description: string;
  operationType: string | null;
  operationId: string | null;
  userId: string | null;
  requestId: string | null;
  /** Of the graph: the same key is never booked twice. */
  idempotencyKey: string;
  metadata: Record<string, unknown>;
  createdAt: Date;
}

/** What somebody spends credits for. */
export interface CreditUse {
  amount: number;
  idempotencyKey: string;
  description: string;
  operationType: string;
  operationId?: string | null;
  userId?: string | null;
  requestId?: string | null;
  metadata?: Record<string, unknown>;
}

/** The balance may be told to be low when it falls below these shares of the month's allocation, in percent. */
export const ALERTS = [
  { percent: 20, action: 'credits.low' },
  { percent: 5, action: 'credits.critical' },
  { percent: 0, action: 'credits.exhausted' },
] as const;

/** The alert that a balance calls for, or undefined. */
export function alertFor(balance: number, allocation: number): (typeof ALERTS)[number] | undefined {
  return ALERTS.filter(({ percent }) => balance <= (allocation * percent) / 100).at(-1);
}

/** The first day of the month (UTC) that a moment is in, as `YYYY-MM-DD`. */
export function monthOf(at: Date): string {
  return `${at.toISOString().slice(0, 7)}-01`;
}

/** The months after one of them up to another, both as {@link monthOf} gives them. */
export function monthsAfter(month: string, until: string): string[] {
  const months: string[] = [];
  for (let next = following(month); next <= until; next = following(next)) months.push(next);
  return months;
}

function following(month: string): string {
  const [year, number] = month.split('-').map(Number);
  return monthOf(new Date(Date.UTC(year, number, 1)));
}

/** Credits have two decimals. */
export function roundCredits(amount: number): number {
  return Math.round(amount * 100) / 100;
}
