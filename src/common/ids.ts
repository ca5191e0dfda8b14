import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { monotonicFactory } from 'ulid';

/** One call of the system's generator for many ids: asked for a byte at a time, it costs as much as routing a request. */
const randomPool = Buffer.alloc(4_096);
let poolUsed = randomPool.length;

function random(): number {
  if (poolUsed === randomPool.length) {
    randomFillSync(randomPool);
    poolUsed = 0;
  }
  return randomPool[poolUsed++] / 256;
}

/** Random once a millisecond and counting on within it: a fresh ULID each time costs a hundred times as much. */
const nextUlid = monotonicFactory(random);

/** Makes the ids of the platform (DESIGN of ids: docs/architecture.md). Injected, so that tests can choose them. */
@Injectable()
export class Ids {
  /** A graph: `kg` and 20 hexadecimal digits. */
  graph(): string {
    return `kg${randomBytes(10).toString('hex')}`;
  }

  /** An operation: `op_` and a ULID, so ids sort by the time of their making. */
  operation(): string {
    return `op_${nextUlid()}`;
  }

  /** A query: `q_` and a ULID. */
  query(): string {
    return `q_${nextUlid()}`;
  }

  /** Everything else: users, orgs, files, sessions, keys. */
  uuid(): string {
    return randomUUID();
  }
}

export const GRAPH_ID = /^kg[0-9a-f]{20}(_[a-z0-9]{1,20})?$/;
export const OPERATION_ID = /^op_[0-9A-HJKMNP-TV-Z]{26}$/;
export const QUERY_ID = /^q_[0-9A-HJKMNP-TV-Z]{26}$/;
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
