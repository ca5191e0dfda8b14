import type { FieldProblem } from '../common/problem';
import { InvalidRequest } from '../common/problem.filter';

export type Path = (string | number)[];
export type Raw = Record<string, unknown>;

/** Where a part of a definition came from, when it is not where it stands now. */
export interface Origin {
  path: Path;
  /** For people, such as `extension "people"`. */
  label?: string;
}

const MOST_ENTRIES = 500;

/** Reads values of unknown shape and notes what is wrong with each, at its path. */
export class RawReader {
  private readonly problems: FieldProblem[] = [];

  constructor(protected readonly origins: ReadonlyMap<object, Origin> = new Map()) {}

  /** Throws {@link InvalidRequest} with every problem that was noted. */
  protected refuseProblems(): void {
    if (this.problems.length > 0) throw new InvalidRequest(this.problems);
  }

  protected problem(loc: Path, msg: string, type: string): void {
    this.problems.push({ loc, msg, type });
  }

  protected list(value: unknown, path: Path): [Raw, Path][] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.problem(path, 'must be a list', 'list');
      return [];
    }
    if (value.length > MOST_ENTRIES) this.problem(path, `at most ${MOST_ENTRIES} entries`, 'too_many');
    return value.slice(0, MOST_ENTRIES).flatMap((entry: unknown, index): [Raw, Path][] => {
      if (typeof entry === 'object' && entry !== null && !Array.isArray(entry))
        return [[entry as Raw, this.origins.get(entry)?.path ?? [...path, index]]];
      this.problem([...path, index], 'must be an object', 'object');
      return [];
    });
  }

  protected knownKeys(raw: Raw, known: string[], path: Path): void {
    for (const key of Object.keys(raw)) {
      if (!known.includes(key))
        this.problem([...path, key], `is not known here; known are ${known.join(', ')}`, 'unknown_field');
    }
  }

  protected text(value: unknown, path: Path): string | undefined {
    if (typeof value === 'string' && value.trim() !== '' && value.length <= 2_000 && !value.includes('\0'))
      return value;
    this.problem(path, 'must be a text that is not empty', 'text');
    return undefined;
  }

  protected optionalText(value: unknown, path: Path): string | undefined {
    return value === undefined || value === null ? undefined : this.text(value, path);
  }

  protected flag(value: unknown, path: Path): boolean | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'boolean') this.problem(path, 'must be true or false', 'boolean');
    return value === true;
  }
}
