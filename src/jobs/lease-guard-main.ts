import { parentPort, workerData } from 'node:worker_threads';
import type { Client } from 'pg';
import { LeaseBoard } from './lease-board';

/** What the thread is told when it starts; times in milliseconds. */
export interface GuardOrders {
  memory: SharedArrayBuffer;
  databaseUrl: string;
  workerId: string;
  leaseMs: number;
  /** The event loop beats at least this often. */
  beatMs: number;
  /** Silence after which the loop counts as blocked for good. */
  blockedMs: number;
}

/** A line for the log of the process. */
export interface GuardNews {
  text: string;
}

/** Rows that somebody writes just now are left out: their writer, this very worker as a rule, renews them itself. */
const RENEW = `
  update operation set lease_expires_at = now() + $4 * interval '1 millisecond' where id in (
    select o.id from operation o join unnest($2::text[], $3::int[]) as held (id, attempt)
      on o.id = held.id and o.attempt = held.attempt
    where o.status = 'running' and o.worker_id = $1 for update of o skip locked)`;

const { memory, databaseUrl, workerId, leaseMs, beatMs, blockedMs } = workerData as GuardOrders;
const board = new LeaseBoard(memory);
let beats = board.beats;
let beatAt = performance.now();
let client: Client | undefined;
let saidBlocked = false;
let looking = false;

/** Renews only for a loop that has missed its beat: in all other times the thread sends no statement. */
async function look(): Promise<void> {
  const silentMs = performance.now() - beatAt;
  if (board.beats !== beats) {
    if (client)
      await release(`The event loop was blocked for about ${Math.round(silentMs / 1000)} s; its leases were kept`);
    saidBlocked = false;
    beats = board.beats;
    beatAt = performance.now();
    return;
  }
  if (silentMs < 1.25 * beatMs) return;
  const held = board.keys().map((key) => key.split('.'));
  if (held.length === 0) return;
  if (silentMs < blockedMs) return renew(held);
  if (saidBlocked) return;
  saidBlocked = true;
  await release(
    `The event loop has been blocked for ${blockedMs / 1000} s: ${held.length} operations go to other workers`,
  );
}

async function renew(held: string[][]): Promise<void> {
  client ??= await connect();
  await client.query(RENEW, [workerId, held.map(([id]) => id), held.map(([, attempt]) => Number(attempt)), leaseMs]);
}

async function connect(): Promise<Client> {
  // Loaded when it is needed, which is seldom: most threads never connect.
  const { Client: PgClient } = await import('pg');
  const opened = new PgClient({ connectionString: databaseUrl, application_name: 'graphstead-leases' });
  opened.on('error', () => (client = undefined));
  await opened.connect();
  return opened;
}

async function release(text: string): Promise<void> {
  say(text);
  const open = client;
  client = undefined;
  await open?.end();
}

function say(text: string): void {
  parentPort!.postMessage({ text } satisfies GuardNews);
}

setInterval(() => {
  if (looking) return;
  looking = true;
  look()
    .catch((error: Error) => {
      client = undefined;
      say(`Cannot renew leases of a blocked event loop: ${error.message}`);
    })
    .finally(() => (looking = false));
}, beatMs / 4);
