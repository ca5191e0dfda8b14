/** Where an operation stands. The last three are terminal: nothing leaves them. */
export const OPERATION_STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export type OperationStatus = (typeof OPERATION_STATUSES)[number];

/** The stored kinds of events, as they are named on the wire. */
export type OperationEventType =
  | 'queue_update'
  | 'operation_started'
  | 'operation_progress'
  | 'operation_retrying'
  | 'operation_completed'
  | 'operation_error'
  | 'operation_cancelled';

interface Transition {
  readonly from: OperationStatus;
  readonly to: OperationStatus;
}

/**
 * Every change that an event may make to the status of its operation; there are no others. An event that lists
 * `from` equal to `to` only adds to the log.
 */
export const TRANSITIONS: Readonly<Record<OperationEventType, readonly Transition[]>> = {
  queue_update: [{ from: 'pending', to: 'pending' }],
  operation_started: [{ from: 'pending', to: 'running' }],
  operation_progress: [{ from: 'running', to: 'running' }],
  operation_retrying: [{ from: 'running', to: 'pending' }],
  operation_completed: [{ from: 'running', to: 'completed' }],
  // From pending: a payload that no worker can read ends without ever having run.
  operation_error: [
    { from: 'running', to: 'failed' },
    { from: 'pending', to: 'failed' },
  ],
  operation_cancelled: [
    { from: 'running', to: 'cancelled' },
    { from: 'pending', to: 'cancelled' },
  ],
};

/** Statuses in which an event may be stored. */
export function statusesBefore(type: OperationEventType): OperationStatus[] {
  return TRANSITIONS[type].map((transition) => transition.from);
}

/** The status that an event leaves behind; the same whatever it was before. */
export function statusAfter(type: OperationEventType): OperationStatus {
  return TRANSITIONS[type][0].to;
}

/** Whether an operation with this status has ended for good. */
export function isTerminal(status: OperationStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Whether this event is the last one of its operation. */
export function endsOperation(type: OperationEventType): boolean {
  return isTerminal(statusAfter(type));
}
