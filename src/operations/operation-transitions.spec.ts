import {
  endsOperation,
  isTerminal,
  OPERATION_STATUSES,
  type OperationEventType,
  statusAfter,
  statusesBefore,
  TRANSITIONS,
} from './operation-transitions';

const TYPES = Object.keys(TRANSITIONS) as OperationEventType[];

describe('the table of transitions', () => {
  it('lets nothing out of a terminal status', () => {
    expect(TYPES.flatMap((type) => statusesBefore(type)).filter(isTerminal)).toEqual([]);
  });

  it('says one status after each event', () => {
    for (const type of TYPES) {
      expect(new Set(TRANSITIONS[type].map(({ to }) => to))).toEqual(new Set([statusAfter(type)]));
    }
  });

  it('reaches every status, and each end by exactly one kind of event', () => {
    const ends = TYPES.filter(endsOperation).map(statusAfter);
    expect(ends.sort()).toEqual(OPERATION_STATUSES.filter(isTerminal).sort());
  });

  it('starts pending work only', () => {
    expect(statusesBefore('operation_started')).toEqual(['pending']);
    expect(statusesBefore('operation_completed')).toEqual(['running']);
  });
});
