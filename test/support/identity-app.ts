import { type Abstract, Controller, Delete, Get, Module, Post, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { LightMyRequestResponse } from 'fastify';
import { AuditModule } from '../../src/audit/audit.module';
import type { GraphAccess, OperationAccess } from '../../src/auth/access';
import { AccessTargets } from '../../src/auth/access-targets';
import { AuthConfig } from '../../src/auth/auth.config';
import { AuthModule } from '../../src/auth/auth.module';
import { CurrentGraph, CurrentOperation } from '../../src/auth/current';
import { Requires } from '../../src/auth/requires';
import { Clock } from '../../src/common/clock';
import { CommonModule } from '../../src/common/common.module';
import { Ids } from '../../src/common/ids';
import { ProblemFilter } from '../../src/common/problem.filter';
import { RequestValidationPipe } from '../../src/common/validation.pipe';
import { ConfigModule } from '../../src/config/config.module';
import { DatabaseConfig } from '../../src/database/database.config';
import { DatabaseModule } from '../../src/database/database.module';
import { Transactor } from '../../src/database/transactor';
import { OrgsConfig } from '../../src/orgs/orgs.config';
import { OrgsModule } from '../../src/orgs/orgs.module';

/** A clock that stands still until a test moves it. */
export class MovableClock extends Clock {
  private time = Date.now();

  override now(): Date {
    return new Date(this.time);
  }

  advance(ms: number): void {
    this.time += ms;
  }
}

/** Routes of every kind of requirement, as features would have them. */
@Controller('probe')
class ProbeController {
  @Get('graphs/:graph_id/view')
  @Requires('graph:viewer')
  view(@CurrentGraph() graph: GraphAccess): GraphAccess {
    return graph;
  }

  @Post('graphs/:graph_id/query')
  @Requires('graph:viewer', { scope: 'read' })
  query(@CurrentGraph() graph: GraphAccess): GraphAccess {
    return graph;
  }

  @Post('graphs/:graph_id/write')
  @Requires('graph:member')
  write(@CurrentGraph() graph: GraphAccess): GraphAccess {
    return graph;
  }

  @Delete('graphs/:graph_id')
  @Requires('graph:admin')
  remove(@CurrentGraph() graph: GraphAccess): GraphAccess {
    return graph;
  }

  @Get('operations/:operation_id')
  @Requires('operation:viewer', { tokenInQuery: true })
  watch(@CurrentOperation() operation: OperationAccess): OperationAccess {
    return operation;
  }

  @Post('operations/:operation_id/cancel')
  @Requires('operation:member')
  cancel(@CurrentOperation() operation: OperationAccess): OperationAccess {
    return operation;
  }
}

/** Looks operations up as the operations module does. */
@Module({ controllers: [ProbeController] })
class ProbeModule {
  constructor(targets: AccessTargets, transactor: Transactor) {
    targets.register('operation_id', async (id) => {
      const [row] = await transactor.em.query<{ orgId: string; graphId: string; userId: string }[]>(
        `select org_id as "orgId", graph_id as "graphId", user_id as "userId" from operation where id = $1`,
        [id],
      );
      return row ?? null;
    });
  }
}

export const PASSWORD = 'Correct-Horse-42-Battery';
/** Cheap hashes; limits so high that only the tests of limits meet them. */
export const TEST_SETTINGS = {
  PASSWORD_HASH_MEMORY_KIB: '64',
  PASSWORD_HASH_PASSES: '1',
  LOGIN_ATTEMPTS: '1000',
  LOGIN_ATTEMPTS_PER_IP: '10000',
  REGISTRATIONS_PER_IP: '10000',
};

export interface Person {
  id: string;
  email: string;
  orgId: string;
  /** Headers that speak for the person. */
  headers: Record<string, string>;
}

interface Call {
  headers?: Record<string, string>;
  body?: object;
}

/** Accounts, organisations, audit and the probe routes on a real database, called without a socket. */
export class IdentityApp {
  private people = 0;

  private constructor(
    readonly app: NestFastifyApplication,
    readonly clock: MovableClock,
  ) {}

  static async start(
    databaseUrl: string,
    options: { settings?: Record<string, string>; modules?: Type[] } = {},
  ): Promise<IdentityApp> {
    const environment = { ...TEST_SETTINGS, ...options.settings };
    const clock = new MovableClock();
    const built = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot([DatabaseConfig, AuthConfig, OrgsConfig], environment),
        CommonModule,
        DatabaseModule.forRoot(databaseUrl),
        AuditModule,
        AuthModule,
        OrgsModule,
        ProbeModule,
        ...(options.modules ?? []),
      ],
      providers: [{ provide: APP_FILTER, useClass: ProblemFilter }],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    const app = built.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ trustProxy: true }));
    app.enableShutdownHooks();
    app.useGlobalPipes(new RequestValidationPipe());
    try {
      await app.init();
    } catch (error) {
      await app.close();
      throw error;
    }
    await app.getHttpAdapter().getInstance().ready();
    return new IdentityApp(app, clock);
  }

  get<T>(token: Type<T> | Abstract<T>): T {
    return this.app.get(token, { strict: false });
  }

  /** Rows of a statement, for what no endpoint shows. */
  sql<T = Record<string, unknown>>(statement: string, parameters: unknown[] = []): Promise<T[]> {
    return this.get(Transactor).em.query(statement, parameters);
  }

  call(route: string, { headers, body }: Call = {}): Promise<LightMyRequestResponse> {
    const [method, url] = route.split(' ');
    return this.app.inject({ method: method as 'GET', url, headers, payload: body });
  }

  /** Registers somebody new. */
  async person(name = 'Person'): Promise<Person> {
    this.people += 1;
    this.clock.advance(1);
    const email = `p${this.people}@example.org`;
    const response = await this.call('POST /v1/auth/register', { body: { name, email, password: PASSWORD } });
    if (response.statusCode !== 201) throw new Error(response.body);
    const { user, org, token } = response.json<{ user: { id: string }; org: { id: string }; token: string }>();
    return { id: user.id, email, orgId: org.id, headers: { authorization: `Bearer ${token}` } };
  }

  /** Puts somebody into another's organisation. */
  async join(owner: Person, newcomer: Person, role: string): Promise<void> {
    this.clock.advance(1);
    const body = { email: newcomer.email, role };
    const response = await this.call(`POST /v1/orgs/${owner.orgId}/members`, { headers: owner.headers, body });
    if (response.statusCode !== 201) throw new Error(response.body);
  }

  /** A graph of an organisation, as a row: this world has no engine. */
  async graph(orgId: string, { parentId, name = 'sub' }: { parentId?: string; name?: string } = {}): Promise<string> {
    const id = parentId ? `${parentId}_${name}` : this.get(Ids).graph();
    await this.sql(
      `insert into graph (id, org_id, parent_id, name, tier, status, schema) values ($1, $2, $3, $4, 'standard', 'active', '{}')`,
      [id, orgId, parentId ?? null, name],
    );
    return id;
  }

  async operation(owner: { orgId: string; graphId: string | null; userId: string }): Promise<string> {
    const id = this.get(Ids).operation();
    await this.sql(
      `insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts)
       values ($1, 'probe', 'pending', $2, $3, $4, '{}', 1)`,
      [id, owner.orgId, owner.userId, owner.graphId],
    );
    return id;
  }

  /** An API key of somebody, as headers. */
  async key(person: Person, body: object = {}): Promise<{ id: string; headers: Record<string, string> }> {
    const response = await this.call('POST /v1/user/api-keys', {
      headers: person.headers,
      body: { name: 'key', ...body },
    });
    if (response.statusCode !== 201) throw new Error(response.body);
    const { api_key, key } = response.json<{ api_key: { id: string }; key: string }>();
    return { id: api_key.id, headers: { 'x-api-key': key } };
  }

  stop(): Promise<void> {
    return this.app.close();
  }
}
