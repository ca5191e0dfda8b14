import { join, resolve } from 'node:path';
import { integer, listOf, oneOf, Setting, text, url } from './setting';

export const ROLES = ['api', 'worker', 'sensors', 'engine'] as const;
export type Role = (typeof ROLES)[number];

/** What every process of the platform needs to know. */
export class PlatformConfig {
  @Setting('PORT', integer({ min: 0, max: 65_535 }), 'TCP port of the HTTP API; 0 takes a free one')
  readonly port: number = 8000;

  @Setting('HOST', text(), 'address to listen on; 0.0.0.0 for every interface')
  readonly host: string = '127.0.0.1';

  @Setting(
    'PUBLIC_URL',
    url('http', 'https'),
    'where clients reach the API, used in upload links',
    'the Host of the request',
  )
  readonly publicUrl?: string = undefined;

  @Setting('DATA_DIR', text(), 'directory of the embedded Postgres, graphs, files and credentials')
  readonly dataDir: string = './data';

  @Setting(
    'DATABASE_URL',
    url('postgres', 'postgresql'),
    'PostgreSQL 15 or newer',
    'an embedded Postgres under DATA_DIR',
  )
  readonly databaseUrl?: string = undefined;

  @Setting('ROLES', listOf(...ROLES), 'what this process does, any of api,worker,sensors,engine')
  readonly roles: Role[] = [...ROLES];

  @Setting('LOG_LEVEL', oneOf('fatal', 'error', 'warn', 'log', 'debug', 'verbose'), 'least severe line that is logged')
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'log' | 'debug' | 'verbose' = 'log';

  @Setting('LOG_FORMAT', oneOf('text', 'json'), 'text for people, json for log collectors')
  readonly logFormat: 'text' | 'json' = 'text';

  @Setting(
    'SHUTDOWN_GRACE_SECONDS',
    integer({ min: 0, max: 3600 }),
    'time that running operations get to end on SIGTERM',
  )
  readonly shutdownGraceSeconds: number = 10;

  @Setting('TRUST_PROXY', oneOf('true', 'false'), 'true where a reverse proxy in front sets X-Forwarded-* headers')
  readonly trustProxySetting: 'true' | 'false' = 'false';

  get trustProxy(): boolean {
    return this.trustProxySetting === 'true';
  }

  has(role: Role): boolean {
    return this.roles.includes(role);
  }

  /** Absolute path of something below DATA_DIR. */
  path(...parts: string[]): string {
    return join(resolve(this.dataDir), ...parts);
  }
}
