import { mkdir } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CONFIG_CLASSES } from './app.module';
import { BootstrapOwner, type OwnerCredentials } from './auth/bootstrap-owner';
import { CredentialsFile } from './auth/credentials-file';
import { InvalidSettings, loadConfigs } from './config/load-config';
import { PlatformConfig } from './config/platform.config';
import { createApp } from './create-app';
import { EmbeddedPostgres } from './database/embedded-postgres';
import { migrate } from './database/migrate';
import { PlatformLogger } from './telemetry/platform-logger';

/** Starts the platform: settings, database, schema, application; then says where it listens. Stops in reverse. */
async function main(): Promise<void> {
  const started = Date.now();
  loadDotEnv();
  const platform = loadConfigs(CONFIG_CLASSES, process.env).get(PlatformConfig) as PlatformConfig;
  if (platform.has('api') && !platform.has('engine')) {
    throw new InvalidSettings([
      'ROLES: "api" needs "engine" in the same process in this version. Add engine to the list.',
    ]);
  }
  Logger.overrideLogger(new PlatformLogger(platform));
  await mkdir(platform.path(), { recursive: true, mode: 0o700 });
  const stopping = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });

  const postgres = platform.databaseUrl
    ? undefined
    : await EmbeddedPostgres.start(platform.path('postgres'), {}, leave);
  let app: NestFastifyApplication | undefined;
  try {
    const databaseUrl = platform.databaseUrl ?? postgres!.url();
    await migrate(databaseUrl);
    app = await createApp(process.env, databaseUrl);
    await app.init();
    const credentials = new CredentialsFile(platform.path('credentials.json'));
    const owner = await app.get(BootstrapOwner).ensure((made) => credentials.write(made));
    const url = platform.has('api') ? await listen(app, platform) : undefined;
    if (url) await credentials.updateUrl(url);
    if (owner !== null) say(introduce(owner, credentials));
    say(
      `Graphstead is ready after ${((Date.now() - started) / 1000).toFixed(1)} s (${platform.roles.join(', ')})${url ? `: ${url}` : ''}`,
    );

    const signal = await stopping;
    say(
      `${signal}: finishing running work (up to ${platform.shutdownGraceSeconds} s; press again to leave at once) ...`,
    );
    for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => process.exit(1));
  } finally {
    await app?.close();
    await postgres?.stop();
  }
  say('Stopped.');
}

async function listen(app: NestFastifyApplication, { port, host }: PlatformConfig): Promise<string> {
  await app.listen(port, host);
  const url = new URL(await app.getUrl());
  // Nobody can type 0.0.0.0 into a browser.
  if (['0.0.0.0', '[::]', '[::1]', '127.0.0.1'].includes(url.hostname)) url.hostname = 'localhost';
  return url.origin;
}

function introduce({ email, password, apiKey }: OwnerCredentials, { path }: CredentialsFile): string {
  return [
    'First start: this owner was made for you. It is shown once; the file below keeps it.',
    `  email     ${email}`,
    `  password  ${password}`,
    `  API key   ${apiKey}`,
    `  file      ${path}`,
  ].join('\n');
}

/** Settings may also stand in a file `.env` beside package.json; the environment goes before it. */
function loadDotEnv(): void {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Another platform owns the database now; whatever this one still did would be done twice. */
function leave(error: Error): void {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    // Settings and start-up failures explain themselves; anything else needs its stack.
    const expected = error instanceof InvalidSettings || error.name === 'DataDirectoryInUse';
    process.stderr.write(`${expected ? error.message : (error.stack ?? error.message)}\n`);
    process.exit(1);
  },
);
