import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Ids, UUID } from '../common/ids';
import { sqlState } from '../database/passing-failures';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { TierTable } from '../limits/tier-table';
import { RepositoriesService } from '../repositories/repositories.service';
import {
  alertFor,
  type CreditPool,
  type CreditTransaction,
  type CreditUse,
  monthOf,
  monthsAfter,
  roundCredits,
} from './credits';
import { CreditsExhausted } from './credits.errors';
import { CreditsRepository, type TransactionFilter, type TransactionSum } from './credits.repository';

const UNIQUE_VIOLATION = '23505';

interface Entry extends Omit<CreditUse, 'operationType'> {
  type: CreditTransaction['type'];
  operationType?: string;
}

/**
 * What graphs may spend, and what readers of repositories may: a graph has one pool with its subgraphs, and a grant to read a
 * repository has one, by its id. Every change of a pool is a row that stays.
 */
@Injectable()
export class CreditsService {
  constructor(
    private readonly transactor: Transactor,
    private readonly graphs: GraphsService,
    private readonly credits: CreditsRepository,
    private readonly tiers: TierTable,
    private readonly repositories: RepositoriesService,
    private readonly audit: AuditService,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** The pool of a graph (of a subgraph: its parent's), with the credits of this month. */
  async pool(graphId: string): Promise<CreditPool> {
    const poolId = await this.poolOf(graphId);
    const found = await this.credits.find(poolId);
    return found !== null && found.month >= monthOf(this.clock.now()) ? found : this.allocate(poolId);
  }

  /**
   * Brings a pool up to this month: for each month since the last one, also where the platform was down, what was left ends
   * and the month's credits come. Two at once allocate no month twice.
   */
  async allocate(poolId: string): Promise<CreditPool> {
    const { allocation, createdAt, orgId } = await this.sourceOf(poolId);
    const before = monthOf(new Date(Date.UTC(createdAt.getUTCFullYear(), createdAt.getUTCMonth() - 1, 1)));
    return this.transactor.run(async (em) => {
      let { balance, month } = await this.credits.lock(em, poolId, before);
      for (const next of monthsAfter(month, monthOf(this.clock.now()))) {
        const metadata = { month: next.slice(0, 7) };
        if (balance > 0)
          await this.book(em, poolId, 0, {
            type: 'expiration',
            amount: -balance,
            idempotencyKey: `expiration:${next.slice(0, 7)}`,
            description: 'What was left of the month before',
            metadata,
          });
        await this.book(em, poolId, allocation, {
          type: 'allocation',
          amount: allocation,
          idempotencyKey: `allocation:${next.slice(0, 7)}`,
          description: `Credits of ${next.slice(0, 7)}`,
          metadata,
        });
        await this.credits.allocate(em, poolId, next, allocation);
        await this.audit.record(em, {
          actor: null,
          action: 'credits.allocated',
          target: poolId,
          orgId,
          details: metadata,
        });
        [balance, month] = [allocation, next];
      }
      return (await this.credits.find(poolId, em))!;
    });
  }

  /**
   * Spends credits, once for each key: whoever comes again gets what was booked. With `upToBalance` it takes what is there.
   * Throws {@link CreditsExhausted}, and then nothing is spent.
   */
  async consume(graphId: string, use: CreditUse, { upToBalance = false } = {}): Promise<CreditTransaction> {
    const { graphId: poolId } = await this.pool(graphId);
    const earlier = await this.credits.byKey(poolId, use.idempotencyKey);
    if (earlier !== null) return earlier;
    const { orgId } = await this.sourceOf(poolId);
    try {
      return await this.transactor.run(async (em) => {
        const due = roundCredits(use.amount);
        const amount = upToBalance
          ? Math.min(due, (await this.credits.lock(em, poolId, monthOf(this.clock.now()))).balance)
          : due;
        const balance = await this.credits.take(em, poolId, amount);
        if (balance === null) throw new CreditsExhausted(due, (await this.credits.find(poolId, em))!.balance);
        const metadata = { ...use.metadata, ...(amount < due && { due }) };
        const booked = await this.book(em, poolId, balance, { ...use, type: 'consumption', amount: -amount, metadata });
        await this.alert(em, { poolId, orgId, balance });
        return booked;
      });
    } catch (error) {
      // Somebody else has booked the key meanwhile; what was taken here is given back with the transaction.
      const booked = sqlState(error) === UNIQUE_VIOLATION ? await this.credits.byKey(poolId, use.idempotencyKey) : null;
      if (booked === null) throw error;
      return booked;
    }
  }

  /** Gives a graph credits beyond its tier's, until the end of the month. */
  async grant(
    actor: Actor,
    graphId: string,
    { amount, reason }: { amount: number; reason: string },
  ): Promise<CreditPool> {
    const { graphId: poolId } = await this.pool(graphId);
    const { orgId } = await this.sourceOf(poolId);
    return this.transactor.run(async (em) => {
      const balance = await this.credits.give(em, poolId, amount);
      const { userId, requestId } = actor;
      const idempotencyKey = `bonus:${this.ids.uuid()}`;
      await this.book(em, poolId, balance, {
        type: 'bonus',
        amount,
        idempotencyKey,
        description: reason,
        userId,
        requestId,
      });
      await this.audit.record(em, {
        actor,
        action: 'credits.granted',
        target: poolId,
        orgId,
        details: { amount, reason },
      });
      return (await this.credits.find(poolId, em))!;
    });
  }

  /** What passes a filter, newest first, and all of it added up. */
  async transactions(
    graphId: string,
    filter: TransactionFilter,
    page: { limit: number; offset: number },
  ): Promise<{ transactions: CreditTransaction[]; sums: TransactionSum[]; total: number }> {
    const { graphId: poolId } = await this.pool(graphId);
    const [transactions, sums, total] = await Promise.all([
      this.credits.list(poolId, filter, page),
      this.credits.sums(poolId, filter),
      this.credits.count(poolId),
    ]);
    return { transactions, sums, total };
  }

  /** A pool, what was consumed of it this month, and how many changes of it there are. */
  async thisMonth(graphId: string): Promise<{ pool: CreditPool; consumed: number; transactions: number }> {
    const pool = await this.pool(graphId);
    const from = new Date(`${pool.month}T00:00:00Z`);
    const [spent, transactions] = await Promise.all([
      this.credits.sums(pool.graphId, { type: 'consumption', from }),
      this.credits.count(pool.graphId),
    ]);
    return { pool, consumed: spent.reduce((sum, { amount }) => sum - amount, 0), transactions };
  }

  /** What was spent in a time, by what for; positive amounts. */
  async spent(graphId: string, from: Date, to: Date): Promise<TransactionSum[]> {
    const sums = await this.credits.sums(await this.poolOf(graphId), { type: 'consumption', from, to });
    return sums.map((sum) => ({ ...sum, amount: -sum.amount }));
  }

  /** Where the credits of a pool come from: of a graph its tier, of a grant to read a repository the plan. */
  private async sourceOf(poolId: string): Promise<{ allocation: number; createdAt: Date; orgId: string }> {
    const grant = UUID.test(poolId) ? await this.repositories.findGrant(poolId) : null;
    if (grant !== null) return { allocation: grant.monthlyCredits, createdAt: grant.grantedAt, orgId: grant.orgId };
    const { tier, createdAt, orgId } = await this.graphs.get(poolId);
    return { allocation: this.tiers.of(tier).monthly_credits, createdAt, orgId };
  }

  private async poolOf(graphId: string): Promise<string> {
    if (UUID.test(graphId)) return graphId;
    const { parentId } = await this.graphs.get(graphId);
    return parentId ?? graphId;
  }

  private async book(
    em: EntityManager,
    graphId: string,
    balanceAfter: number,
    entry: Entry,
  ): Promise<CreditTransaction> {
    const { operationType = null, operationId = null, userId = null, requestId = null, metadata = {}, ...rest } = entry;
    const more = { operationType, operationId, userId, requestId, metadata };
    const one = { ...rest, ...more, id: this.ids.uuid(), graphId, balanceAfter, createdAt: this.clock.now() };
    await this.credits.insert(em, one);
    return one;
  }

  private async alert(
    em: EntityManager,
    { poolId, orgId, balance }: { poolId: string; orgId: string; balance: number },
  ): Promise<void> {
    const { monthlyAllocation } = (await this.credits.find(poolId, em))!;
    const alert = alertFor(balance, monthlyAllocation);
    if (alert === undefined || !(await this.credits.noteAlert(em, poolId, alert.percent))) return;
    const details = { balance, monthly_allocation: monthlyAllocation };
    await this.audit.record(em, { actor: null, action: alert.action, target: poolId, orgId, details });
  }
}
