import type { OperationEvent } from '../../src/demo/api-client';
import type { Load } from './flights-graph';

export interface Phase {
  phase: string;
  ms: number;
}

/**
 * Where the time of a load went, by its own events. Progress is told at most ten times a second, so a border between two
 * phases is exact to 0.1 s.
 */
export function phasesOf({ events, createdAt, ms }: Load): Phase[] {
  const created = Date.parse(createdAt);
  const starts = [{ phase: 'queued', at: created }];
  for (const event of events) {
    const phase = labelOf(event);
    if (phase !== starts.at(-1)!.phase) starts.push({ phase, at: Date.parse(String(event.data.timestamp)) });
  }
  const ends = [...starts.slice(1).map(({ at }) => at), created + ms];
  return starts.map(({ phase, at }, index) => ({ phase, ms: Math.round(ends[index] - at) }));
}

function labelOf({ type, data }: OperationEvent): string {
  if (type === 'operation_started') return 'starting';
  const { message, rows_loaded: loaded, rows_total: total } = data;
  // All rows are in: what follows is writing the file, closing, hashing, opening and counting it.
  if (total !== undefined && loaded === total) return 'finishing';
  return String(message).toLowerCase();
}
