import { ConsoleLogger } from '@nestjs/common';
import type { PlatformConfig } from '../config/platform.config';

type Level = PlatformConfig['logLevel'];
const LEVELS: Level[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];
/** Nest's own report of each module and route that it set up: hundreds of lines that nobody reads. */
const SET_UP = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

/** Lines for people or JSON for collectors, from the configured level on. */
export class PlatformLogger extends ConsoleLogger {
  constructor({ logFormat, logLevel }: PlatformConfig) {
    super({
      json: logFormat === 'json',
      colors: logFormat === 'text' && process.stdout.isTTY === true,
      logLevels: LEVELS.slice(0, LEVELS.indexOf(logLevel) + 1),
    });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (!SET_UP.has(String(rest.at(-1)))) super.log(message, ...(rest as [string]));
  }
}
