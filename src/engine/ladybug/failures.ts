import type { DomainError } from '../../common/domain-error';
import {
  DuplicateColumn,
  EngineLost,
  GraphUnreadable,
  LoaderOutOfMemory,
  LoadFailed,
  QueryCancelled,
  QueryInvalid,
  QueryOutOfMemory,
  QueryTimeout,
  StatementRefused,
  StorageFull,
  WriteRefused,
} from '../engine.errors';
import type { FailureMessage } from './messages';

/** A host ended before it had answered the query, which may be run once more. */
export class HostGone extends EngineLost {
  /** `alone`: the host crashed while it worked on this query and no other. */
  constructor(readonly alone = false) {
    super();
  }
}

/** What a host reported, as an error for the user. */
export function failureOf({ code, message }: FailureMessage, timeoutMs = 0): DomainError {
  switch (code) {
    case 'statement_refused':
      return new StatementRefused(message);
    case 'write_refused':
      return new WriteRefused();
    case 'query_invalid':
      return new QueryInvalid(message);
    case 'duplicate_column':
      return new DuplicateColumn(message);
    case 'query_timeout':
      return new QueryTimeout(timeoutMs);
    case 'query_out_of_memory':
      return new QueryOutOfMemory();
    case 'query_cancelled':
      return new QueryCancelled();
    case 'load_failed':
      return new LoadFailed(message);
    case 'storage_full':
      return new StorageFull();
    case 'graph_unreadable':
    case 'protocol_mismatch':
      return new GraphUnreadable();
    default:
      // A newer host may know more codes.
      return new EngineLost();
  }
}

/** The same for a build, where running out of memory has another remedy. */
export function buildFailureOf(failure: FailureMessage): DomainError {
  return failure.code === 'query_out_of_memory' ? new LoaderOutOfMemory() : failureOf(failure);
}
