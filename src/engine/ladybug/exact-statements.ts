import type { ExactQuery } from './result-reader';

const KEPT = 256;

/** Remembers for which statements a result without loss has to be asked for in other words. */
export class ExactStatements {
  private readonly known = new Map<string, ExactQuery>();

  find(statement: string): ExactQuery | undefined {
    const found = this.known.get(statement);
    if (found) this.keep(statement, found);
    return found;
  }

  keep(statement: string, query: ExactQuery): void {
    this.known.delete(statement);
    this.known.set(statement, query);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value as string);
  }

  forget(statement: string): void {
    this.known.delete(statement);
  }
}
