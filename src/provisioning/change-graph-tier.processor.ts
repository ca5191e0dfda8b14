import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { HandlesOperation } from '../jobs/handles-operation';
import type { OperationContext } from '../jobs/operation-context';
import { OperationProcessor } from '../jobs/operation-processor';
import type { Operation } from '../operations/operation.entity';
import { ChangeGraphTier, type ChangeGraphTierPayload } from './provisioning.operations';
import { ProvisioningService } from './provisioning.service';

/** Place, limits and result are one transaction: a failure at any point leaves the graph in its tier. */
@Injectable()
@HandlesOperation(ChangeGraphTier)
export class ChangeGraphTierProcessor extends OperationProcessor<typeof ChangeGraphTier> {
  constructor(
    private readonly provisioning: ProvisioningService,
    private readonly audit: AuditService,
  ) {
    super();
  }

  async run({ from, to }: ChangeGraphTierPayload, ctx: OperationContext): Promise<object> {
    const graphId = ctx.graphId!;
    ctx.progress(30, `Moving the graph to tier ${to}`);
    const result = { graph_id: graphId, tier: to, previous_tier: from };
    await ctx.transaction(async (em) => {
      await this.provisioning.changeTier(em, graphId, from, to);
      await this.record(em, ctx.userId, 'graph.tier_changed', graphId, ctx.orgId, { from, to }, ctx.operationId);
      await ctx.keepResult(em, result);
    });
    return result;
  }

  protected override async afterFailureOrCancel(
    em: EntityManager,
    { from, to }: ChangeGraphTierPayload,
    ended: Operation,
  ): Promise<void> {
    const details = { from, to, code: ended.error?.code ?? ended.status };
    await this.record(em, ended.userId, 'graph.tier_change_failed', ended.graphId!, ended.orgId, details, ended.id);
  }

  private record(
    em: EntityManager,
    userId: string | null,
    action: string,
    target: string,
    orgId: string | null,
    details: Record<string, unknown>,
    operationId: string,
  ): Promise<void> {
    return this.audit.record(em, {
      actor: { userId },
      action,
      target,
      orgId,
      outcome: action.endsWith('failed') ? 'failure' : 'success',
      details: { ...details, operation_id: operationId },
    });
  }
}
