import type { OperationEvent } from './operation.entity';

const stored = new WeakMap<OperationEvent, string>();

/** The frame of a stored event, made once however many watch. Its id is what a client sends back as Last-Event-ID. */
export function frameOf(event: OperationEvent): string {
  let frame = stored.get(event);
  if (frame === undefined) {
    const data = {
      ...event.data,
      operation_id: event.operationId,
      sequence_number: event.sequence,
      timestamp: event.createdAt.toISOString(),
    };
    frame = `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
    stored.set(event, frame);
  }
  return frame;
}

/** A frame that is not stored: it has no id, so it does not move the client's Last-Event-ID. */
export function passingFrame(event: 'connected' | 'resync' | 'stream_end', data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Tells the client how long to wait before it connects again. */
export function retryLine(ms: number): string {
  return `retry: ${ms}\n`;
}

/** Keeps proxies from closing a silent connection; clients ignore it. */
export const PING = ': ping\n\n';
