import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module';
import { securityHeaders } from './common/security-headers';
import { RequestValidationPipe } from './common/validation.pipe';
import { type Environment, loadConfig } from './config/load-config';
import { PlatformConfig } from './config/platform.config';
import { completeDocument } from './common/complete-document';
import { describeIdempotency } from './idempotency/describe-idempotency';
import { PlatformLogger } from './telemetry/platform-logger';

const REQUEST_ID = /^[\w.:-]{1,100}$/;
const BODY_LIMIT = 4 * 1_048_576;

/** The whole application, not yet listening. Tests and `main.ts` make it the same way. */
export async function createApp(environment: Environment, databaseUrl: string): Promise<NestFastifyApplication> {
  const platform = loadConfig(PlatformConfig, environment);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    // Idle keep-alive connections and event streams would hold a shutdown up.
    forceCloseConnections: true,
    trustProxy: platform.trustProxy,
    // A caller's own id is kept where it is harmless, so that a request can be followed through several systems.
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : `req_${randomUUID()}`;
    },
  });
  const headers = await securityHeaders();
  adapter.getInstance().addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers).header('x-request-id', request.id);
    // Many clients name a type with every request, also with those that have no body (a DELETE).
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    if ((length === undefined || length === '0') && encoding === undefined) delete request.headers['content-type'];
    done();
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(environment, databaseUrl), adapter, {
    logger: new PlatformLogger(platform),
    abortOnError: false,
    // Events of a payment provider are signed as they were sent.
    rawBody: true,
  });
  app.useGlobalPipes(new RequestValidationPipe());
  documentApi(app);
  return app;
}

/** `GET /openapi.json`: what the routes say of themselves. */
function documentApi(app: NestFastifyApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Graphstead')
    .setDescription('A platform for many graph databases')
    .setVersion('0.1.0')
    .addBearerAuth()
    .addApiKey({ type: 'apiKey', name: 'X-API-Key', in: 'header' }, 'api_key')
    .build();
  const makeDocument = () => completeDocument(describeIdempotency(SwaggerModule.createDocument(app, description)));
  SwaggerModule.setup('openapi', app, makeDocument, { ui: false, raw: ['json'], jsonDocumentUrl: 'openapi.json' });
}
