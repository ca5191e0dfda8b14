import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsNumber, IsOptional, Max, Min } from 'class-validator';
import { Text } from '../../common/text';
import {
  alertFor,
  CREDIT_TRANSACTION_TYPES,
  type CreditPool,
  type CreditTransaction,
  type CreditTransactionType,
  roundCredits,
} from '../credits';
import type { TransactionFilter, TransactionSum } from '../credits.repository';
import { pageOf } from '../../common/page.dto';

export class CreditTransactionsQuery extends pageOf({ limit: 100, most: 1_000 }) {
  @IsOptional()
  @IsIn(CREDIT_TRANSACTION_TYPES)
  transaction_type?: CreditTransactionType;

  @IsOptional()
  @Text({ max: 100 })
  operation_type?: string;

  /** From here on; a date is its beginning in UTC. */
  @IsOptional()
  @IsISO8601({ strict: true })
  start_date?: string;

  /** Up to here; a date is counted whole. */
  @IsOptional()
  @IsISO8601({ strict: true })
  end_date?: string;
}

export class GrantCreditsDto {
  @IsNumber({ maxDecimalPlaces: 2 })
  @Min(0.01)
  @Max(1_000_000_000)
  amount: number;

  /** What the owners read in their transactions. */
  @Text({ max: 500 })
  reason: string;
}

export class CreditSummaryResponse {
  @ApiProperty()
  graph_id: string;
  @ApiProperty()
  graph_tier: string;
  @ApiProperty()
  current_balance: number;
  @ApiProperty()
  monthly_allocation: number;
  @ApiProperty()
  consumed_this_month: number;
  @ApiProperty()
  transaction_count: number;
  @ApiProperty({ description: 'of the month: what was consumed by what was allocated, in percent' })
  usage_percentage: number;
  @ApiProperty({ type: String, nullable: true })
  last_allocation_date: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'credits.low, credits.critical or credits.exhausted' })
  alert: string | null;
}

export function toCreditSummary(
  graph: { id: string; tier: string },
  pool: CreditPool,
  { consumed, transactions }: { consumed: number; transactions: number },
): CreditSummaryResponse {
  const { balance, monthlyAllocation, month } = pool;
  return {
    graph_id: graph.id,
    graph_tier: graph.tier,
    current_balance: balance,
    monthly_allocation: monthlyAllocation,
    consumed_this_month: consumed,
    transaction_count: transactions,
    usage_percentage: roundCredits((consumed / monthlyAllocation) * 100),
    last_allocation_date: `${month}T00:00:00.000Z`,
    alert: alertFor(balance, monthlyAllocation)?.action ?? null,
  };
}

const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;
const MS_PER_DAY = 86_400_000;

export function toTransactionFilter(query: CreditTransactionsQuery): TransactionFilter {
  const { start_date: from, end_date: to } = query;
  return {
    type: query.transaction_type,
    operationType: query.operation_type,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(new Date(to).getTime() + (DATE_ONLY.test(to) ? MS_PER_DAY : 0)),
  };
}

export function toTransactionsDto(
  { start_date, end_date }: CreditTransactionsQuery,
  { transactions, sums, total }: { transactions: CreditTransaction[]; sums: TransactionSum[]; total: number },
): object {
  return {
    transactions: transactions.map(toTransactionDto),
    summary: Object.fromEntries(
      sums.map(({ operationType, amount, count }) => [
        operationType,
        {
          operation_type: operationType,
          total_amount: amount,
          transaction_count: count,
          average_amount: amount / count,
        },
      ]),
    ),
    total_count: total,
    filtered_count: sums.reduce((sum, { count }) => sum + count, 0),
    date_range: { start: start_date ?? null, end: end_date ?? null },
  };
}

function toTransactionDto(one: CreditTransaction): object {
  return {
    id: one.id,
    type: one.type,
    amount: one.amount,
    balance_after: one.balanceAfter,
    description: one.description,
    metadata: one.metadata,
    created_at: one.createdAt.toISOString(),
    operation_type: one.operationType,
    operation_id: one.operationId,
    idempotency_key: one.idempotencyKey,
    request_id: one.requestId,
    user_id: one.userId,
  };
}
