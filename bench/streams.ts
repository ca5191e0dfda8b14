import type { Client } from 'pg';
import { BenchChild } from './lib/child';
import { connectTo } from './lib/database';
import { GcProbe } from './lib/gc-probe';
import { BenchPlatform } from './lib/platform';
import { residentBytes } from './lib/processes';
import { atMost, type Finding, figure, type Report } from './lib/report';
import { timed, until } from './lib/stats';
import type { ClientQuestion, Seen } from './streams-client';

const STREAMS = 2_000;
const EVENTS = 30;
/** Ten a second, which is as often as an operation's progress is stored. */
const ONE_EVERY_MS = 100;
const SPREAD_OVER = 200;
/** Operations that each tell something every second: 200 commits and 2,000 frames a second. */
const SPREAD_EVERY_MS = 1_000;

interface Round {
  openMs: number;
  kbPerStream: number;
  seen: Seen;
}

/**
 * 2,000 event streams on one process, their clients in another one. The events are stored as a worker elsewhere would
 * store them, and carry the time just before their commit was asked for; so the times hold the commit as well.
 */
export async function streams(): Promise<Report> {
  const one = await measure(1, ONE_EVERY_MS);
  const many = await measure(SPREAD_OVER, SPREAD_EVERY_MS);
  return {
    name: 'streams',
    findings: [
      ...findings(`${STREAMS} streams of one operation`, one),
      ...findings(`${STREAMS} streams of ${SPREAD_OVER} operations`, many),
    ],
    details: { one, many },
  };
}

function findings(what: string, { openMs, kbPerStream, seen }: Round): Finding[] {
  return [
    atMost(`${what}: events that somebody missed or saw twice`, seen.missed + seen.doubled, 0, ''),
    figure(`${what}: commit to client, p50`, seen.p50, 'ms'),
    atMost(`${what}: commit to client, p95`, seen.p95, 150, 'ms'),
    atMost(`${what}: memory of each stream (RSS)`, kbPerStream, 30, 'KB'),
    figure(`${what}: until all are open`, openMs / 1000, 's'),
  ];
}

async function measure(operations: number, everyMs: number): Promise<Round> {
  const gc = new GcProbe();
  const platform = await BenchPlatform.start({ MAX_STREAMS_PER_USER: '10000', ...gc.settings() });
  const database = await connectTo(platform);
  const clients = BenchChild.start('streams-client');
  const ask = <T>(question: ClientQuestion): Promise<T> => clients.ask<T>(question);
  const target = { url: platform.url, apiKey: platform.apiKey };
  try {
    const ids = await insertRunning(database, operations);
    const paths = Array.from({ length: STREAMS }, (_, n) => `/v1/operations/${ids[n % ids.length]}/stream`);
    // Once before, so that what a first stream loads and compiles is not counted for the others.
    await ask({ open: paths.slice(0, 200), ...target });
    await ask({ close: true });
    await gc.collect(platform);
    const before = residentBytes(platform.pid);
    const { ms: openMs } = await timed(() => ask({ open: paths, ...target }));
    await gc.collect(platform);
    const kbPerStream = (residentBytes(platform.pid) - before) / 1024 / STREAMS;
    await storeEvents(database, ids, everyMs);
    const expected = EVENTS + 1;
    const seen = await until('all events to be seen', 30_000, async () => {
      const found = await ask<Seen>({ seen: expected });
      return found.missed === 0 ? found : undefined;
    }).catch(() => ask<Seen>({ seen: expected }));
    return { openMs, kbPerStream, seen };
  } finally {
    await database.end();
    await clients.end();
    await platform.dispose();
  }
}

/** Operations of the owner that a worker far away is doing. */
async function insertRunning(database: Client, count: number): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(
    `insert into operation (id, type, status, org_id, user_id, payload, max_attempts, attempt, last_sequence, worker_id,
       lease_expires_at, started_at)
     select 'op_' || translate(upper(substr(md5(n::text || clock_timestamp()::text), 1, 26)), 'ILOU', '0000'), 'bench',
       'running', m.org_id, m.user_id, '{}', 1, 1, 1, 'elsewhere', now() + interval '1 day', now()
     from generate_series(1, $1) n, (select org_id, user_id from org_member limit 1) m returning id`,
    [count],
  );
  await database.query(
    `insert into operation_event (operation_id, sequence, type, data, org_id)
     select id, 1, 'operation_started', '{"message": "Started"}', org_id from operation where type = 'bench'`,
  );
  return rows.map(({ id }) => id);
}

/** Each operation gets its events at its own time within the interval, one transaction for each. */
async function storeEvents(database: Client, ids: string[], everyMs: number): Promise<void> {
  const started = performance.now();
  for (let event = 0; event < EVENTS; event += 1) {
    for (const [index, id] of ids.entries()) {
      const due = started + (event + index / ids.length) * everyMs;
      const wait = due - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      const sentAt = performance.timeOrigin + performance.now();
      await database.query(
        `with changed as (
           update operation set last_sequence = last_sequence + 1 where id = $1 returning id, last_sequence, org_id
         ), event as (
           insert into operation_event (operation_id, sequence, type, data, created_at, org_id)
           select id, last_sequence, 'operation_progress', jsonb_build_object('message', 'Reading', 'progress_percent',
             50, 'percentage', 50, 'sent_at', $2::text), clock_timestamp(), org_id from changed
         ) select pg_notify('operation_events', id || ':' || last_sequence || ':' || org_id) from changed`,
        [id, String(sentAt)],
      );
    }
  }
}
