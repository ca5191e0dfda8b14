import { Readable } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UploadInterrupted } from './staging.errors';

const UPLOAD_PATH = '/v1/uploads/';
/** Stands in for whatever the sender calls the content, so that no parser of another route takes it. */
const RAW = 'application/x-graphstead-upload';

/** Lets bodies of upload routes, and of no other route, pass unread to their controller. */
@Injectable()
export class UploadStreams implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    // A process without the API has no HTTP adapter.
    const fastify = this.host.httpAdapter?.getInstance<FastifyInstance>();
    if (!fastify) return;
    fastify.addHook('onRequest', (request, _reply, done) => {
      if (request.method === 'PUT' && request.url.startsWith(UPLOAD_PATH)) request.headers['content-type'] = RAW;
      done();
    });
    fastify.addContentTypeParser(RAW, (_request, _payload, done) => done(null));
  }
}

/**
 * The body of an upload. Giving up in the middle leaves the connection open, so that the refusal still reaches the
 * sender; what it sends after that is thrown away.
 */
export function streamOf({ raw }: FastifyRequest): Readable {
  return Readable.from(bodyOf(raw), { objectMode: false });
}

async function* bodyOf(raw: FastifyRequest['raw']): AsyncIterable<Buffer> {
  try {
    yield* raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') throw new UploadInterrupted();
    throw error;
  }
}
