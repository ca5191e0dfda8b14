import { DomainError } from '../common/domain-error';

/** No room for the object. Nothing of it is kept. */
export class StorageFull extends DomainError {
  readonly code = 'storage_full';
  readonly kind = 'unavailable';
  override readonly retryAfterSeconds = 60;
  constructor() {
    super('The storage is full and nothing was stored. Delete files or ask the operator for more room, then try again');
  }
}

/** The stream brought more bytes than its reader allows. Nothing of it is kept. */
export class ObjectTooLarge extends DomainError {
  readonly code = 'object_too_large';
  readonly kind = 'too_large';
  constructor(readonly maxBytes: number) {
    super(`More than ${maxBytes} bytes arrived; nothing was stored. Send less at once`);
  }
}

/** The key names nothing. A caller that knows better words for its users turns this into them. */
export class ObjectNotFound extends DomainError {
  readonly code = 'object_not_found';
  readonly kind = 'not_found';
  constructor(readonly key: string) {
    super('What you asked for is no longer in the storage');
  }
}

/** The service that keeps the objects did not answer, or refused. Whether something was stored is not known. */
export class StorageUnavailable extends DomainError {
  readonly code = 'storage_unavailable';
  readonly kind = 'unavailable';
  override readonly retryAfterSeconds = 10;
  override readonly retryable = true;
  /** `cause` is what the service said, for the log. */
  constructor(cause: unknown) {
    super('The storage does not answer at the moment. Try again; if that keeps failing, tell the operator');
    this.cause = cause;
  }
}
