import { randomUUID } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Global, Injectable, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { IsOptional, IsString } from 'class-validator';
import { concatMap, filter, firstValueFrom, startWith, timeout } from 'rxjs';
import { AccessService } from '../../src/auth/access.service';
import { AccessTargets } from '../../src/auth/access-targets';
import type { AccessRequest } from '../../src/auth/access';
import type { Actor } from '../../src/auth/actor';
import { AuditModule } from '../../src/audit/audit.module';
import { CommonModule } from '../../src/common/common.module';
import { ProblemFilter } from '../../src/common/problem.filter';
import { Ids } from '../../src/common/ids';
import { Clock } from '../../src/common/clock';
import { RequestValidationPipe } from '../../src/common/validation.pipe';
import { ConfigModule } from '../../src/config/config.module';
import type { ConfigClass, Environment } from '../../src/config/load-config';
import { PlatformConfig } from '../../src/config/platform.config';
import { DatabaseConfig } from '../../src/database/database.config';
import { DatabaseModule } from '../../src/database/database.module';
import { Notifications } from '../../src/database/notifications';
import { Transactor } from '../../src/database/transactor';
import { HandlesOperation } from '../../src/jobs/handles-operation';
import { JobsConfig } from '../../src/jobs/jobs.config';
import { JobsModule } from '../../src/jobs/jobs.module';
import type { OperationContext } from '../../src/jobs/operation-context';
import { OperationProcessor } from '../../src/jobs/operation-processor';
import { QueueConfig } from '../../src/jobs/queue.config';
import { defineOperation, type OperationContract } from '../../src/operations/define-operation';
import { EVENTS_CHANNEL, OperationLog } from '../../src/operations/operation-log';
import type { Operation, OperationEvent } from '../../src/operations/operation.entity';
import { OperationsConfig } from '../../src/operations/operations.config';
import { OperationsService } from '../../src/operations/operations.service';
import { queueSettings } from './queue-profile';

export class TestPayload {
  @IsOptional()
  @IsString()
  note?: string;
}

/** An operation type that does what the test says. */
export const TestWork = defineOperation({
  name: 'test_work',
  locks: 'graph',
  retryRole: 'member',
  payload: TestPayload,
  policy: { attempts: 2, backoffMs: 20, timeoutMs: 20_000, concurrency: 4, cancellable: true, retentionDays: 1 },
});

/** Fails at its own timeout of 100 ms, and cannot be cancelled. */
export const HastyWork = defineOperation({
  name: 'hasty_work',
  locks: 'none',
  retryRole: 'member',
  payload: TestPayload,
  policy: { attempts: 2, backoffMs: 20, timeoutMs: 100, concurrency: 4, cancellable: false, retentionDays: 1 },
});

export type Run = (ctx: OperationContext, payload: TestPayload) => Promise<object>;

/** What the test's processors do; set it before an operation begins. */
export class Script {
  run: Run = async () => ({ done: true });
  /** Operations whose aftermath ran. */
  readonly aftermaths: string[] = [];
}

@Injectable()
@HandlesOperation(TestWork)
export class TestWorkProcessor extends OperationProcessor<typeof TestWork> {
  constructor(private readonly script: Script) {
    super();
  }

  run(payload: TestPayload, ctx: OperationContext): Promise<object> {
    return this.script.run(ctx, payload);
  }

  protected override async afterFailureOrCancel(_em: unknown, _payload: TestPayload, { id }: Operation): Promise<void> {
    this.script.aftermaths.push(id);
  }
}

@Injectable()
@HandlesOperation(HastyWork)
export class HastyWorkProcessor extends OperationProcessor<typeof HastyWork> {
  constructor(private readonly script: Script) {
    super();
  }

  run(payload: TestPayload, ctx: OperationContext): Promise<object> {
    return this.script.run(ctx, payload);
  }
}

export const TEST_ACTOR: Actor = {
  userId: randomUUID(),
  apiKeyId: null,
  sessionId: null,
  scopes: ['read', 'write', 'admin'],
  graphIds: null,
  requestId: 'test',
  ip: null,
};

/** Lets everybody in as the same user: who may do what is proven where the real guard is. */
class OpenDoor implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<AccessRequest>();
    const { org_id } = request.params as { org_id?: string };
    request.actor = TEST_ACTOR;
    request.access = org_id === undefined ? {} : { org: { id: org_id, role: 'owner' } };
    return true;
  }
}

const OPEN_ACCESS = { maySee: () => Promise.resolve(true), requireOrg: () => Promise.resolve() };

@Global()
@Module({
  providers: [
    AccessTargets,
    { provide: APP_GUARD, useClass: OpenDoor },
    { provide: AccessService, useValue: OPEN_ACCESS },
  ],
  exports: [AccessTargets, AccessService],
})
class OpenAccessModule {}

/** A process of the platform that has operations and nothing else. */
export class OperationsWorld {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly script: Script,
    private readonly notifications: Notifications,
  ) {}

  static async start(
    url: string,
    environment: Environment = {},
    {
      script = new Script(),
      processors = [TestWorkProcessor, HastyWorkProcessor] as (new (s: Script) => object)[],
      contracts = [TestWork, HastyWork] as OperationContract[],
      features = [] as Type<object>[],
      settings = [] as ConfigClass[],
    } = {},
  ): Promise<OperationsWorld> {
    const configs = [PlatformConfig, DatabaseConfig, JobsConfig, OperationsConfig, QueueConfig, ...settings];
    const module = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot(configs, { ...queueSettings(url), ...environment }),
        CommonModule,
        DatabaseModule.forRoot(url),
        AuditModule,
        OpenAccessModule,
        JobsModule.forRoot(),
        JobsModule.forFeature(contracts),
        ...features,
      ],
      providers: [{ provide: Script, useValue: script }, ...processors],
    }).compile();
    const app = module.createNestApplication<NestFastifyApplication>(
      new FastifyAdapter({ forceCloseConnections: true }),
      {
        logger: process.env.TEST_LOG ? undefined : ['fatal'],
      },
    );
    app.useGlobalPipes(new RequestValidationPipe());
    app.useGlobalFilters(new ProblemFilter(app.get(Clock)));
    try {
      await app.init();
    } catch (error) {
      await app.close();
      throw error;
    }
    const notifications = app.get(Notifications);
    await notifications.listen(EVENTS_CHANNEL);
    return new OperationsWorld(app, script, notifications);
  }

  get operations(): OperationsService {
    return this.app.get(OperationsService);
  }

  get tx(): Transactor {
    return this.app.get(Transactor);
  }

  /** Begins test work in a graph of its own, unless one is given. */
  begin(
    payload: TestPayload = {},
    graphId: string = new Ids().graph(),
    orgId: string | null = null,
  ): Promise<Operation> {
    return this.tx.run((em) => this.operations.begin(em, TestWork, { actor: TEST_ACTOR, orgId, graphId, payload }));
  }

  beginHasty(): Promise<Operation> {
    return this.tx.run((em) =>
      this.operations.begin(em, HastyWork, { actor: TEST_ACTOR, orgId: null, graphId: null, payload: {} }),
    );
  }

  /** An organisation of its own; nobody is a member of it. */
  async org(): Promise<string> {
    const id = randomUUID();
    await this.query(`insert into org (id, name, org_type) values ($1, 'org', 'team')`, [id]);
    return id;
  }

  /** The id of an operation of an organisation that has ended. */
  async work(orgId: string): Promise<string> {
    const { id } = await this.begin({}, undefined, orgId);
    await this.ended(id);
    return id;
  }

  async ended(operationId: string, ms = 40_000): Promise<Operation> {
    const operation = await this.operations.waitUntilEnded(operationId, ms);
    if (!operation.endedAt) throw new Error(`${operationId} is still ${operation.status} after ${ms} ms`);
    return operation;
  }

  /** The operation once `accept` takes it; asked at each of its events. */
  async until(operationId: string, accept: (operation: Operation) => boolean, ms = 40_000): Promise<Operation> {
    const changes = await this.notifications.listen(EVENTS_CHANNEL);
    return firstValueFrom(
      changes.pipe(
        filter((payload) => payload.startsWith(`${operationId}:`)),
        startWith(operationId),
        concatMap(() => this.operations.get(operationId)),
        filter(accept),
        timeout({ first: ms }),
      ),
    );
  }

  events(operationId: string): Promise<OperationEvent[]> {
    return this.app.get(OperationLog).read(operationId, 0, 10_000);
  }

  async eventTypes(operationId: string): Promise<string[]> {
    return (await this.events(operationId)).map(({ type }) => type);
  }

  query<T = Record<string, unknown>>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return this.tx.em.query<T[]>(sql, parameters);
  }

  /** As if the lease had run out. */
  expireLease(operationId: string): Promise<unknown> {
    return this.query(`update operation set lease_expires_at = now() - interval '1 second' where id = $1`, [
      operationId,
    ]);
  }

  async url(): Promise<string> {
    if (!this.app.getHttpServer().listening) await this.app.listen(0, '127.0.0.1');
    return this.app.getUrl();
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

/** Rejects when the signal aborts, as work should; never resolves by itself. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new Error('stopped'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** A promise and the functions that settle it. */
export function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}
