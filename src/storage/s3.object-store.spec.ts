import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { Logger } from '@nestjs/common';
import { InvalidSettings, loadConfig } from '../config/load-config';
import { openBucket } from './s3-bucket';
import { S3ObjectStore } from './s3.object-store';
import { StorageConfig } from './storage.config';

const PART = 5 * 1_048_576;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const xml = (status: number, body: string, headers = {}): Answer => {
  return (_, response) => void response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(body);
};
const refusal = (status: number, code: string): Answer =>
  xml(status, `<Error><Code>${code}</Code><Message>no</Message></Error>`);
const cut: Answer = (request) => void request.socket.destroy();
const done = xml(200, '', { etag: '"1"' });

/** What is asked of the service, in its own words. */
function nameOf({ method, url }: IncomingMessage): string {
  const { pathname, searchParams } = new URL(url!, 'http://s3');
  if (searchParams.has('list-type')) return 'list';
  if (searchParams.has('uploads')) return 'begin';
  if (searchParams.has('partNumber')) return `part ${searchParams.get('partNumber')}`;
  if (searchParams.has('uploadId')) return method === 'DELETE' ? 'abort' : 'complete';
  if (searchParams.has('delete')) return 'delete many';
  return `${method} ${pathname}`;
}

/** A service that answers as the test says; what it does right is proven where a real one runs (`test/peers`). */
class Service {
  readonly asked: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** By what is asked, an answer for each time; afterwards that it is done. */
  readonly script: Record<string, Answer[]> = {
    begin: [xml(200, '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')],
  };
  url = '';
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const name = nameOf(request);
      this.asked.push(name);
      this.headers.push(request.headers);
      const answer = this.script[name]?.shift() ?? done;
      if (answer === cut) return cut(request, response);
      buffer(request).then(
        () => answer(request, response),
        () => undefined,
      );
    });
  }

  static async start(): Promise<Service> {
    const service = new Service();
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    service.url = `http://127.0.0.1:${(service.server.address() as AddressInfo).port}`;
    return service;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

describe('objects in a bucket whose service misbehaves', () => {
  let service: Service;
  let opened: S3ObjectStore[];
  beforeAll(() => void Logger.overrideLogger(false));
  beforeEach(async () => {
    service = await Service.start();
    opened = [];
  });
  afterEach(async () => {
    for (const store of opened) store.onModuleDestroy();
    await service.stop();
  });

  const settings = (more: Record<string, string> = {}) => ({
    STORAGE_URL: 's3://things/here',
    S3_ENDPOINT: service.url,
    S3_ACCESS_KEY_ID: 'key',
    S3_SECRET_ACCESS_KEY: 'hidden',
    S3_PART_MB: '5',
    ...more,
  });
  const open = async (more?: Record<string, string>) => {
    const store = new S3ObjectStore(await openBucket(loadConfig(StorageConfig, settings(more))));
    opened.push(store);
    service.asked.length = service.headers.length = 0;
    return store;
  };
  const problems = async (more?: Record<string, string>): Promise<string[]> =>
    open(more).then(
      () => [],
      (error: unknown) => {
        if (!(error instanceof InvalidSettings)) throw error;
        return error.problems;
      },
    );
  const large = () => Readable.from([Buffer.alloc(PART), Buffer.alloc(PART), Buffer.alloc(10)]);
  const unavailable = { code: 'storage_unavailable', kind: 'unavailable', retryable: true };

  it.each([
    [
      'NoSuchBucket',
      404,
      'STORAGE_URL: http://127.0.0.1:... has no bucket "things". Make it, or name one that is there.',
    ],
    [
      'SignatureDoesNotMatch',
      403,
      'S3_ACCESS_KEY_ID: http://127.0.0.1:... refuses the bucket "things" (SignatureDoesNotMatch)',
    ],
    ['AuthorizationHeaderMalformed', 400, 'S3_REGION: the bucket "things" is not in us-east-1'],
    ['OddThing', 418, 'STORAGE_URL: the bucket "things" at http://127.0.0.1:... cannot be used (OddThing: no)'],
  ])('says at the start what %s means, in one line without secrets', async (code, status, line) => {
    service.script.list = [refusal(status, code)];
    const [problem, ...others] = await problems();
    expect(others).toEqual([]);
    expect(problem.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:...')).toContain(line);
    expect(problem).not.toMatch(/hidden|\n/);
  });

  it('does not start on a bucket that may be read only', async () => {
    service.script['PUT /things/here/.graphstead'] = [refusal(403, 'AccessDenied')];
    expect(await problems()).toEqual([expect.stringContaining('refuses the bucket "things" (AccessDenied)')]);
  });

  it('says at the start that nobody answers, or that half of the key is missing', async () => {
    expect(await problems({ S3_ACCESS_KEY_ID: '' })).toEqual([
      'S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together. Set both or none.',
    ]);
    const { url } = service;
    await service.stop();
    const [problem, ...others] = await problems({ S3_ENDPOINT: url });
    expect(others).toEqual([]);
    expect(problem).toMatch(/^S3_ENDPOINT: http:\S+ does not answer \(.*ECONNREFUSED.*\)\. Start it, or set its/);
  }, 60_000);

  it('does not keep files where a bucket was meant', () => {
    expect(() => loadConfig(StorageConfig, { S3_ENDPOINT: service.url }).wantsBucket()).toThrow('no bucket is named');
    expect(loadConfig(StorageConfig, {}).wantsBucket()).toBe(false);
  });

  it.each(['s3://B', 's3://things/../x', 's3://things//x', 'things', 's3://things?x'])(
    'refuses the location %j',
    (url) => {
      expect(() => loadConfig(StorageConfig, { STORAGE_URL: url })).toThrow(
        'must be s3://bucket or s3://bucket/folder',
      );
    },
  );

  it('asks again when the service is too busy or cuts the connection', async () => {
    const store = await open();
    service.script['PUT /things/here/a/b'] = [refusal(503, 'SlowDown'), cut, refusal(500, 'InternalError')];
    expect(await store.put('a/b', Readable.from([Buffer.from('x')]))).toEqual({ key: 'a/b', bytes: 1 });
    expect(service.asked).toEqual(Array(4).fill('PUT /things/here/a/b'));
  }, 60_000);

  it('removes the parts of an upload whose connection is cut again and again', async () => {
    const store = await open();
    service.script['part 2'] = Array<Answer>(5).fill(cut);
    await expect(store.put('a/b', large())).rejects.toMatchObject(unavailable);
    expect(service.asked.filter((name) => name === 'part 2')).toHaveLength(5);
    expect(service.asked).not.toContain('complete');
    expect(service.asked.at(-1)).toBe('abort');
  }, 60_000);

  it('removes the parts of an upload that cannot be completed, and tells a full storage apart', async () => {
    const store = await open();
    service.script.complete = [refusal(507, 'XMinioStorageFull')];
    await expect(store.put('a/b', large())).rejects.toMatchObject({ code: 'storage_full' });
    expect(service.asked.at(-1)).toBe('abort');
  });

  it('reads on where an answer broke off, in the same object only', async () => {
    const store = await open();
    const whole = '0123456789';
    const half: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': whole.length, etag: '"first"' });
      response.write(whole.slice(0, 5), () => void response.destroy());
    };
    // What arrived of the first half may not have been read when the connection broke.
    const rest: Answer = ({ headers: { range } }, response) => {
      const body = whole.slice(Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')![1]));
      response.writeHead(206, { 'content-length': body.length, etag: '"first"' }).end(body);
    };
    service.script['GET /things/here/a/b'] = [half, rest, half, refusal(412, 'PreconditionFailed')];
    expect(await text(await store.get('a/b'))).toBe(whole);
    expect(service.headers[1]).toMatchObject({ 'if-match': '"first"' });
    await expect(text(await store.get('a/b'))).rejects.toMatchObject(unavailable);
  });

  it('does not take part of a removal for all of it', async () => {
    const store = await open();
    service.script.list = [
      xml(200, '<ListBucketResult><Contents><Key>here/g/1</Key><Size>1</Size></Contents></ListBucketResult>'),
    ];
    service.script['delete many'] = [
      xml(200, '<DeleteResult><Error><Key>here/g/1</Key><Code>InternalError</Code></Error></DeleteResult>'),
    ];
    await expect(store.deletePrefix('g/')).rejects.toMatchObject(unavailable);
  });

  it('says that the storage does not answer when the service is gone, and nothing of where it is', async () => {
    const store = await open();
    await service.stop();
    const error = await store.head('a/b').catch((caught: unknown) => caught);
    expect(error).toMatchObject(unavailable);
    expect((error as Error).message).not.toMatch(/127|things|key/);
  }, 60_000);
});
