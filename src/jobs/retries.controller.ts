import { Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { OperationAccess } from '../auth/access';
import type { Actor } from '../auth/actor';
import { CurrentActor, CurrentOperation } from '../auth/current';
import { Requires } from '../auth/requires';
import { toStartedDto } from '../operations/dto/operation.dto';
import { StartsOperation } from '../operations/starts-operation';
import { RetriesService } from './retries.service';

@ApiTags('operations')
@Controller('v1/operations/:operation_id/retry')
export class RetriesController {
  constructor(private readonly retries: RetriesService) {}

  // Whoever sees it comes in; the role and the scope that it takes depend on the type of the operation.
  @Post()
  @StartsOperation('retry')
  @Requires('operation:viewer')
  @ApiOperation({ summary: 'Do a failed or cancelled operation again, as a new one', operationId: 'retryOperation' })
  async retry(@CurrentActor() actor: Actor, @CurrentOperation() operation: OperationAccess): Promise<object> {
    return { ...toStartedDto(await this.retries.retry(actor, operation)), retry_of: operation.id };
  }
}
