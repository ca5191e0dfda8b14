import { DomainError } from '../common/domain-error';

export class SchemaChangeRefused extends DomainError {
  readonly code = 'schema_change_refused';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(report: object, reasons: string[]) {
    super(`The schema cannot be changed so, and nothing was: ${reasons.join('; ')}`);
    this.details = { ...report };
  }
}

export class SchemaChangeUnconfirmed extends DomainError {
  readonly code = 'schema_change_unconfirmed';
  readonly kind = 'conflict';
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(report: object, losses: string[]) {
    super(`This change removes data: ${losses.join('; ')}. Send it again with "confirm": true`);
    this.details = { ...report };
  }
}

export class SchemaUnchanged extends DomainError {
  readonly code = 'schema_unchanged';
  readonly kind = 'conflict';
  constructor() {
    super('The schema already is as asked for; nothing is to be done');
  }
}

/** Somebody else changed the graph between looking at it and taking its lock. */
export class SchemaMovedOn extends DomainError {
  readonly code = 'schema_moved_on';
  readonly kind = 'conflict';
  constructor() {
    super('The graph was changed meanwhile. Look at its schema again and repeat the change');
  }
}

export class SchemaVersionNotFound extends DomainError {
  readonly code = 'schema_version_not_found';
  readonly kind = 'not_found';
  constructor(number: number) {
    super(`The graph has no schema version ${number}. GET /schema/versions lists them`);
  }
}

export class ExtensionNotFound extends DomainError {
  readonly code = 'extension_not_found';
  readonly kind = 'not_found';
  constructor() {
    super('There is no such extension. GET /v1/graphs/extensions lists them');
  }
}
