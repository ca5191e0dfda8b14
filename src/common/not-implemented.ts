import { DomainError } from './domain-error';

/** Part of the wire contract that is not there yet; the README lists them all. */
export class NotImplementedYet extends DomainError {
  readonly code = 'not_implemented';
  readonly kind = 'not_implemented';
  constructor(what: string) {
    super(`${what} is not available in this version`);
  }
}
