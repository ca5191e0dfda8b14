import { connect, type Socket } from 'node:net';
import { spreadOf } from './stats';

export interface LoadResult {
  perSecond: number;
  p50: number;
  p99: number;
  /** Answers by status. */
  statuses: Record<string, number>;
}

/**
 * `clients` connections that send one request after another for `ms`, on bare sockets: on a small machine a comfortable
 * client would be most of what is measured. Answers must carry `content-length`. Only answers with 200 count.
 */
export async function loadWith(
  url: string,
  { clients, ms, warmUpMs = 500 }: { clients: number; ms: number; warmUpMs?: number },
  bytesOf: () => Buffer,
): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  const begin = performance.now() + warmUpMs;
  const end = begin + ms;
  const one = async (): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    for (let now = performance.now(); now < end;) {
      const status = await exchange(socket, bytesOf());
      const done = performance.now();
      if (done >= begin && done < end) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status === 200) times.push(done - now);
      }
      now = done;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: clients }, one));
  const { p50, p99 } = spreadOf(times);
  return { perSecond: (times.length / ms) * 1000, p50, p99, statuses };
}

/** The bytes of a POST with a JSON body. */
export function postBytes(url: string, path: string, body: object, headers: Record<string, string> = {}): Buffer {
  const payload = JSON.stringify(body);
  const lines = Object.entries({ host: new URL(url).host, 'content-type': 'application/json', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines}content-length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`,
  );
}

function exchange(socket: Socket, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = '';
    const settle = (act: () => void): void => {
      socket.off('data', onData).off('close', onClose);
      act();
    };
    const onClose = (): void => settle(() => reject(new Error(`The connection ended: ${received}`)));
    const onData = (chunk: Buffer): void => {
      received += chunk.toString('latin1');
      const head = received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = /content-length: *(\d+)/i.exec(received.slice(0, head));
      if (length === null) return settle(() => reject(new Error(`No content-length: ${received.slice(0, head)}`)));
      if (received.length >= head + 4 + Number(length[1])) settle(() => resolve(Number(received.slice(9, 12))));
    };
    socket.on('data', onData).on('close', onClose);
    socket.write(request);
  });
}
