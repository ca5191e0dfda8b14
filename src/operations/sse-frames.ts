import type { OperationEvent } from './operation.entity';
import { statusAfter } from './operation-transitions';
import { type OrgEvent, toOrgEventId } from './org-event-log';

const stored = new WeakMap<object, string>();

/** The frame of a stored event, made once however many watch. Its id is what a client sends back as Last-Event-ID. */
export function frameOf(event: OperationEvent): string {
  return once(event, () => frame(String(event.sequence), event.type, dataOf(event)));
}

/** The same event in the stream of its organisation: there it also says whose it is and what it changed. */
export function orgFrameOf(event: OrgEvent): string {
  return once(event, () =>
    frame(toOrgEventId(event), event.type, {
      ...dataOf(event),
      operation_type: event.operationType,
      graph_id: event.graphId,
      status: statusAfter(event.type),
    }),
  );
}

/** A frame that is not stored: without an id it does not move the client's Last-Event-ID. */
export function passingFrame(
  event: 'connected' | 'resync' | 'stream_end' | 'queue_update',
  data: object,
  id?: string,
): string {
  return frame(id, event, data);
}

/** Moves the client's Last-Event-ID and tells it nothing. */
export function idLine(id: string): string {
  return `id: ${id}\n\n`;
}

/** Tells the client how long to wait before it connects again. */
export function retryLine(ms: number): string {
  return `retry: ${ms}\n`;
}

/** Keeps proxies from closing a silent connection; clients ignore it. */
export const PING = ': ping\n\n';

function once<E extends object>(event: E, make: () => string): string {
  let text = stored.get(event);
  if (text === undefined) stored.set(event, (text = make()));
  return text;
}

function dataOf({ data, operationId, sequence, createdAt }: OperationEvent | OrgEvent): object {
  return { ...data, operation_id: operationId, sequence_number: sequence, timestamp: createdAt.toISOString() };
}

function frame(id: string | undefined, event: string, data: object): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
