import { DomainError } from '../common/domain-error';

/** The statement uses a part of the language that reaches beyond the graph (files, extensions, settings). */
export class StatementRefused extends DomainError {
  readonly code = 'statement_refused';
  readonly kind = 'forbidden';
  constructor(readonly what: string) {
    super(`${what} is not available to queries. If it is only a name, put it in backticks`);
  }
}

/** The engine's parser would exhaust its stack, and end for everybody who queries the graph. */
export class StatementTooDeep extends DomainError {
  readonly code = 'statement_too_deep';
  readonly kind = 'bad_request';
  constructor(what: string, most: number) {
    super(`The statement has ${what}; at most ${most} are taken. Break it up with WITH, or send lists as parameters`);
  }
}

/** The engine would get a list function wrong, without a word. */
export class ListFunctionRefused extends DomainError {
  readonly code = 'list_function_refused';
  readonly kind = 'bad_request';
  constructor(name: string, instead: string) {
    super(`The engine gives wrong values for ${name.toLowerCase()}(...) of many rows. ${instead}`);
  }
}

/** The engine would give 0 or NULL for an aggregate, without a word. */
export class AggregatesRefused extends DomainError {
  readonly code = 'aggregates_refused';
  readonly kind = 'bad_request';
  constructor() {
    super(
      'The engine gives 0 or null for what stands behind an aggregate with DISTINCT of the same groups. ' +
        'Put those with DISTINCT last: RETURN n.city, count(*), count(DISTINCT n.name)',
    );
  }
}

/** The statement would change data or schema. */
export class WriteRefused extends DomainError {
  readonly code = 'write_refused';
  readonly kind = 'forbidden';
  constructor() {
    super('Queries only read. Change data by uploading files and materializing the graph');
  }
}

/** The engine could not parse, bind or run the statement, or a parameter does not fit. */
export class QueryInvalid extends DomainError {
  readonly code = 'query_invalid';
  readonly kind = 'bad_request';
}

/** Two result columns have one name, so a row could not show both. */
export class DuplicateColumn extends DomainError {
  readonly code = 'duplicate_column';
  readonly kind = 'bad_request';
  constructor(readonly column: string) {
    super(`Two columns of the result are named "${column}". Give each a name of its own with AS`);
  }
}

export class QueryTimeout extends DomainError {
  readonly code = 'query_timeout';
  readonly kind = 'timeout';
  constructor(readonly timeoutMs: number) {
    super(`The query did not end within ${timeoutMs} ms. Narrow it down or allow it more time`);
  }
}

export class QueryOutOfMemory extends DomainError {
  readonly code = 'query_out_of_memory';
  readonly kind = 'unavailable';
  constructor() {
    super('The query needs more memory than one graph may use. Narrow it down, aggregate, or add a LIMIT');
  }
}

/** The caller went away; nobody waits for this answer. */
export class QueryCancelled extends DomainError {
  readonly code = 'query_cancelled';
  readonly kind = 'bad_request';
  constructor() {
    super('The query was cancelled by its caller');
  }
}

/** Somebody with the right to do so ended the query. */
export class QueryKilled extends DomainError {
  readonly code = 'query_killed';
  readonly kind = 'conflict';
  constructor() {
    super('The query was ended by its sender or an admin of the graph. Nothing is wrong with the graph');
  }
}

/** A process of the engine ended unexpectedly; the graph itself is unharmed and opens again with the next request. */
export class EngineLost extends DomainError {
  readonly code = 'engine_lost';
  readonly kind = 'unavailable';
  override readonly retryable = true;
  override readonly retryAfterSeconds = 1;
  constructor(what = 'the query') {
    super(`The engine process ended while it worked on ${what}. Try again`);
  }
}

/** Found out by running it twice, the second time alone. The graph is unharmed, and others are answered. */
export class StatementFatal extends DomainError {
  readonly code = 'statement_ends_engine';
  readonly kind = 'bad_request';
  constructor() {
    super(
      'The process of the engine ends whenever it works on this statement. Write it in another way: often a function got NULL, or an argument of another type than it takes',
    );
  }
}

/** All places for open graphs are taken by graphs that are being queried, or one graph has too many queries. */
export class EngineBusy extends DomainError {
  readonly code = 'engine_busy';
  readonly kind = 'unavailable';
  override readonly retryable = true;
  override readonly retryAfterSeconds = 2;
  constructor() {
    super('Too many queries are running at this moment. Try again in a few seconds');
  }
}

/** The generation's file is missing, damaged, or of another engine version. */
export class GraphUnreadable extends DomainError {
  readonly code = 'graph_unreadable';
  readonly kind = 'unavailable';
  constructor() {
    super('The data of this graph cannot be opened. Materialize it again or restore a backup');
  }
}

/** A definition or a load was refused by the engine. */
export class LoadFailed extends DomainError {
  readonly code = 'load_failed';
  readonly kind = 'invalid';
}

export class LoaderOutOfMemory extends DomainError {
  readonly code = 'load_out_of_memory';
  readonly kind = 'unavailable';
  constructor() {
    super('Building the graph needs more memory than a build may use (ENGINE_LOADER_MEMORY_MB, ENGINE_LOADER_POOL_MB)');
  }
}

export class StorageFull extends DomainError {
  readonly code = 'storage_full';
  readonly kind = 'unavailable';
  constructor() {
    super('The disk is full, so the graph could not be built. Free some space and try again');
  }
}

export class BuildCancelled extends DomainError {
  readonly code = 'build_cancelled';
  readonly kind = 'conflict';
  constructor() {
    super('Building the graph was cancelled');
  }
}
