import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Abstract, Logger, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { LightMyRequestResponse } from 'fastify';
import { createApp } from '../../src/create-app';
import { Transactor } from '../../src/database/transactor';
import { PASSWORD, TEST_SETTINGS } from './identity-app';
import { queueSettings } from './queue-profile';
import { storageSettings } from './storage-profile';

/** Somebody who is logged in. */
export interface ApiUser {
  id: string;
  orgId: string;
  headers: Record<string, string>;
}

let people = 0;

/** The whole API as it is started, without a worker: what is begun stays pending. Called without a socket. */
export class ApiApp {
  private constructor(
    readonly app: NestFastifyApplication,
    private readonly dataDir: string,
  ) {}

  static async start(databaseUrl: string, settings: Record<string, string> = {}): Promise<ApiApp> {
    const dataDir = await mkdtemp(join(tmpdir(), 'gs-api-'));
    const defaults = { ROLES: 'api,engine', DATA_DIR: dataDir, LOG_LEVEL: 'fatal' };
    const outside = { ...queueSettings(databaseUrl), ...storageSettings(basename(dataDir)) };
    const environment = { ...TEST_SETTINGS, ...outside, ...defaults, ...settings };
    const app = await createApp(environment, databaseUrl);
    Logger.overrideLogger(false);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return new ApiApp(app, dataDir);
  }

  get<T>(token: Type<T> | Abstract<T>): T {
    return this.app.get(token, { strict: false });
  }

  /** Rows of a statement, for what no endpoint shows. */
  sql<T = Record<string, unknown>>(statement: string, parameters: unknown[] = []): Promise<T[]> {
    return this.get(Transactor).em.query(statement, parameters);
  }

  /** `call('POST /v1/graphs', user, body, headers)`. */
  call(
    route: string,
    user: ApiUser,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<LightMyRequestResponse> {
    const [method, url] = route.split(' ');
    return this.app.inject({ method: method as 'GET', url, headers: { ...user.headers, ...headers }, payload: body });
  }

  async user(): Promise<ApiUser> {
    people += 1;
    const response = await this.app.inject({
      method: 'POST',
      url: '/v1/auth/register',
      payload: { name: 'Person', email: `a${people}@example.org`, password: PASSWORD },
    });
    if (response.statusCode !== 201) throw new Error(response.body);
    const { user, org, token } = response.json<{ user: { id: string }; org: { id: string }; token: string }>();
    return { id: user.id, orgId: org.id, headers: { authorization: `Bearer ${token}` } };
  }

  async stop(): Promise<void> {
    await this.app.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
