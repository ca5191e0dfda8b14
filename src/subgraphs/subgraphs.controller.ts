import { Body, Controller, Delete, Get, Param, Patch, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { DeleteGraph } from '../graphs/graphs.operations';
import { OperationDto, StartedOperationDto, toOperationDto, toStartedDto } from '../operations/dto/operation.dto';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { isTerminal } from '../operations/operation-transitions';
import { PreferredWait, StartsOperation } from '../operations/starts-operation';
import { CreateSubgraphDto } from './dto/create-subgraph.dto';
import { ChangeSubgraphDto } from './dto/change-subgraph.dto';
import { DeletedSubgraphDto, DeleteSubgraphDto } from './dto/delete-subgraph.dto';
import {
  SubgraphDto,
  SubgraphListDto,
  SubgraphQuotaDto,
  toSubgraphDto,
  toSubgraphListDto,
  toSubgraphQuotaDto,
} from './dto/subgraph.dto';
import { SubgraphRemovals } from './subgraph-removals';
import { SubgraphOperationFailed } from './subgraphs.errors';
import { CreateSubgraph, DeleteSubgraph, ForkSubgraph, ResetSubgraph } from './subgraphs.operations';
import { SubgraphsService } from './subgraphs.service';

/** What the wire contract answers at its end is waited for so long; then the answer is its operation. */
const WAIT_MS = 30_000;

@ApiTags('subgraphs')
@Controller('v1/graphs/:graph_id/subgraphs')
export class SubgraphsController {
  constructor(
    private readonly subgraphs: SubgraphsService,
    private readonly removals: SubgraphRemovals,
    private readonly operations: OperationsService,
  ) {}

  @Post()
  @StartsOperation([CreateSubgraph, ForkSubgraph], {
    status: 200,
    answer: [SubgraphDto, OperationDto, StartedOperationDto],
    waits: true,
  })
  @Requires('graph:admin')
  @ApiOperation({
    summary: 'Make a subgraph',
    description: 'An empty one is answered when it is there; a fork with the operation that makes it.',
  })
  async create(
    @CurrentActor() actor: Actor,
    @Param('graph_id') parentId: string,
    @Body() body: CreateSubgraphDto,
    @PreferredWait() preferredMs: number | null,
  ): Promise<SubgraphDto | StartedOperationDto> {
    const begun = await this.subgraphs.requestCreation(actor, parentId, body);
    const waitMs = preferredMs ?? (body.fork_parent ? 0 : WAIT_MS);
    const operation = await this.ended(begun, waitMs);
    if (body.fork_parent) return isTerminal(operation.status) ? toOperationDto(operation) : toStartedDto(operation);
    if (!isTerminal(operation.status)) return toStartedDto(operation);
    refuseUnlessDone('made', operation);
    return this.info(parentId, body.name);
  }

  @Get()
  @Requires('graph:viewer', { whileSuspended: true })
  @ApiOperation({ summary: 'The subgraphs of a graph' })
  @ApiOkResponse({ type: SubgraphListDto })
  async list(@Param('graph_id') parentId: string): Promise<SubgraphListDto> {
    return toSubgraphListDto(await this.subgraphs.family(parentId));
  }

  @Get('quota')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'How many subgraphs a graph has and may have, and how large they are' })
  @ApiOkResponse({ type: SubgraphQuotaDto })
  async quota(@Param('graph_id') parentId: string): Promise<SubgraphQuotaDto> {
    return toSubgraphQuotaDto(await this.subgraphs.family(parentId));
  }

  @Get(':subgraph_name/info')
  @Requires('graph:viewer')
  @ApiOperation({ summary: 'All that is known of a subgraph' })
  @ApiOkResponse({ type: SubgraphDto })
  async info(@Param('graph_id') parentId: string, @Param('subgraph_name') name: string): Promise<SubgraphDto> {
    return toSubgraphDto(await this.subgraphs.info(parentId, name));
  }

  @Patch(':subgraph_name')
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Let a subgraph live longer, shorter, or (a static one) until somebody deletes it' })
  @ApiOkResponse({ type: SubgraphDto })
  async change(
    @CurrentActor() actor: Actor,
    @Param('graph_id') parentId: string,
    @Param('subgraph_name') name: string,
    @Body() { expires_at }: ChangeSubgraphDto,
  ): Promise<SubgraphDto> {
    await this.subgraphs.setExpiry(actor, parentId, name, expires_at);
    return this.info(parentId, name);
  }

  @Post(':subgraph_name/reset')
  @StartsOperation(ResetSubgraph)
  @Requires('graph:admin')
  @ApiOperation({
    summary: 'Let a fork hold what its parent holds now',
    description: 'By the options that it was made with. What it held before can be taken back with a rollback.',
  })
  async reset(
    @CurrentActor() actor: Actor,
    @Param('graph_id') parentId: string,
    @Param('subgraph_name') name: string,
  ): Promise<StartedOperationDto> {
    return toStartedDto(await this.subgraphs.requestReset(actor, parentId, name));
  }

  @Delete(':subgraph_name')
  @StartsOperation([DeleteGraph, DeleteSubgraph], { status: 200, answer: DeletedSubgraphDto, waits: true })
  @Requires('graph:admin')
  @ApiOperation({ summary: 'Delete a subgraph; one that holds something only by force' })
  async remove(
    @CurrentActor() actor: Actor,
    @Param('graph_id') parentId: string,
    @Param('subgraph_name') name: string,
    @Body() { force, backup_first: backupFirst }: DeleteSubgraphDto,
    @PreferredWait() preferredMs: number | null,
  ): Promise<DeletedSubgraphDto> {
    const begun = await this.removals.request(actor, parentId, name, { force, backupFirst });
    const operation = await this.ended(begun.operation, preferredMs ?? WAIT_MS);
    refuseUnlessDone('deleted', operation);
    const done = isTerminal(operation.status);
    return {
      graph_id: operation.graphId!,
      status: done ? 'deleted' : 'deleting',
      deleted_at: (operation.endedAt ?? operation.createdAt).toISOString(),
      backup_location:
        begun.systemBackupId === null
          ? null
          : `/v1/orgs/${operation.orgId}/deleted-graphs/backups/${begun.systemBackupId}/restore`,
      message: done ? `The subgraph "${name}" is deleted` : 'The subgraph is being deleted; watch the operation',
      operation_id: operation.id,
    };
  }

  private ended(operation: Operation, waitMs: number): Promise<Operation> {
    return waitMs === 0 ? Promise.resolve(operation) : this.operations.waitUntilEnded(operation.id, waitMs);
  }
}

function refuseUnlessDone(what: string, { id, status, error }: Operation): void {
  if (status === 'failed' || status === 'cancelled') throw new SubgraphOperationFailed(what, { id, status }, error);
}
