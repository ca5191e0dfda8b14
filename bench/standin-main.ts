import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Connection, Database, type LbugValue, type PreparedStatement, type QueryResult } from '@ladybugdb/core';
import { answerParent } from './lib/child';

interface OpenQuestion {
  file: string;
  bufferPoolBytes: number;
  maxDatabaseBytes: number;
  threads: number;
  connections: number;
}

interface Lane {
  connection: Connection;
  prepared: Map<string, PreparedStatement>;
  busy: number;
}

/**
 * The least that a graph API in TypeScript can be: node:http with the engine in its own process and prepared statements
 * kept. No accounts, no limits, no guard, no isolation: the bar that everything else is measured against.
 */
answerParent<OpenQuestion>(async ({ file, bufferPoolBytes, maxDatabaseBytes, threads, connections }) => {
  const database = new Database(file, bufferPoolBytes, true, true, maxDatabaseBytes, false);
  await database.init();
  const lanes: Lane[] = [];
  for (let i = 0; i < connections; i += 1) {
    const connection = new Connection(database, threads);
    await connection.init();
    lanes.push({ connection, prepared: new Map(), busy: 0 });
  }
  const server = createServer((request, response) => {
    answer(lanes, request).then(
      (body) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

async function answer(lanes: Lane[], request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { query, parameters } = JSON.parse(Buffer.concat(chunks).toString()) as {
    query: string;
    parameters: Record<string, LbugValue>;
  };
  const lane = lanes.reduce((least, one) => (one.busy < least.busy ? one : least));
  lane.busy += 1;
  try {
    let prepared = lane.prepared.get(query);
    if (prepared === undefined) lane.prepared.set(query, (prepared = await lane.connection.prepare(query)));
    const result = (await lane.connection.execute(prepared, parameters)) as QueryResult;
    const rows = result.getAllSync();
    result.close();
    return Buffer.from(JSON.stringify({ data: rows, row_count: rows.length }));
  } finally {
    lane.busy -= 1;
  }
}
