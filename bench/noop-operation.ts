import { setTimeout as pause } from 'node:timers/promises';
import { Body, Controller, HttpCode, Injectable, Module, Param, Post } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants';
import { IsInt, Max, Min } from 'class-validator';
import { AppModule } from '../src/app.module';
import type { Actor } from '../src/auth/actor';
import { CurrentActor } from '../src/auth/current';
import { Requires } from '../src/auth/requires';
import { Transactor } from '../src/database/transactor';
import { HandlesOperation } from '../src/jobs/handles-operation';
import { JobsModule } from '../src/jobs/jobs.module';
import type { OperationContext } from '../src/jobs/operation-context';
import { OperationProcessor } from '../src/jobs/operation-processor';
import { defineOperation, type OperationContract } from '../src/operations/define-operation';
import { toStartedDto } from '../src/operations/dto/operation.dto';
import type { Operation } from '../src/operations/operation.entity';
import { OperationsService } from '../src/operations/operations.service';

/**
 * Preloaded into the platform (`node --require`): gives it two types of operation that do no work, with routes to begin
 * them, by the same means as any feature has: a contract, a processor, a module.
 */
class NoPayload {}

/** Says twice how far it is, and is done. */
const Noop = defineOperation({
  name: 'bench_noop',
  locks: 'none',
  retryRole: 'member',
  payload: NoPayload,
  policy: { attempts: 1, backoffMs: 0, timeoutMs: 60_000, concurrency: 32, cancellable: true, retentionDays: 1 },
});

/** Runs until it is cancelled, one at a time: all others stay pending. */
const Held = defineOperation({
  name: 'bench_held',
  locks: 'none',
  retryRole: 'member',
  payload: NoPayload,
  policy: { attempts: 1, backoffMs: 0, timeoutMs: 600_000, concurrency: 1, cancellable: true, retentionDays: 1 },
});

@Injectable()
@HandlesOperation(Noop)
class NoopProcessor extends OperationProcessor<typeof Noop> {
  async run(_payload: NoPayload, ctx: OperationContext): Promise<object> {
    ctx.progress(0, 'Beginning');
    // The first report is on its way before the second one comes, or it would be replaced by it.
    await pause(1);
    ctx.progress(100, 'Ending');
    return {};
  }
}

@Injectable()
@HandlesOperation(Held)
class HeldProcessor extends OperationProcessor<typeof Held> {
  async run(_payload: NoPayload, { signal }: OperationContext): Promise<object> {
    return pause(600_000, {}, { signal });
  }
}

class ManyDto {
  @IsInt()
  @Min(1)
  @Max(10_000)
  count: number;
}

@Controller('bench/orgs/:org_id')
@Requires('org:member')
class BenchController {
  constructor(
    private readonly operations: OperationsService,
    private readonly tx: Transactor,
  ) {}

  @Post('noop')
  @HttpCode(200)
  async noop(@CurrentActor() actor: Actor, @Param('org_id') orgId: string): Promise<object> {
    const [operation] = await this.begin(Noop, actor, orgId, 1);
    return toStartedDto(operation);
  }

  @Post('held')
  @HttpCode(200)
  async held(
    @CurrentActor() actor: Actor,
    @Param('org_id') orgId: string,
    @Body() { count }: ManyDto,
  ): Promise<object> {
    const begun = await this.begin(Held, actor, orgId, count);
    return { begun: begun.length };
  }

  private begin(contract: OperationContract, actor: Actor, orgId: string, count: number): Promise<Operation[]> {
    return this.tx.run(async (em) => {
      const begun: Operation[] = [];
      for (let n = 0; n < count; n += 1) {
        begun.push(await this.operations.begin(em, contract, { actor, orgId, graphId: null, payload: {} }));
      }
      return begun;
    });
  }
}

@Module({
  imports: [JobsModule.forFeature([Noop, Held])],
  controllers: [BenchController],
  providers: [NoopProcessor, HeldProcessor],
})
class BenchModule {}

Reflect.defineMetadata(MODULE_METADATA.IMPORTS, [BenchModule], AppModule);
