/** Ends a value inside of a list, a struct or a map, or a key of a map. Numbers and times have none of them. */
const TOKEN = /[^,}\]=]*/y;

/**
 * Reads the text that the engine prints of a value, led by the value as its binding gives it. Texts in it are printed as they
 * are, without quotes, so only who knows them can tell where they end:
 *
 *     [1,2]   {a: x, b: 2.50}   {key=value}   {_ID: 0:1, _LABEL: Person, name: Ada}
 *
 * NULL is printed as nothing; properties of nodes and relationships that are NULL are left out with their names. Once
 * something is not as it was led to expect, nothing more is read, and {@link whole} is false.
 */
export class ExactText {
  private at = 0;
  private failed = false;

  constructor(private readonly text: string) {}

  /** Whether all was as expected, to the end. */
  get whole(): boolean {
    return !this.failed && this.at === this.text.length;
  }

  /** Whether nothing has been read yet. */
  get fresh(): boolean {
    return this.at === 0;
  }

  /** What must come next. */
  take(expected: string): void {
    if (!this.takeIf(expected)) this.failed = true;
  }

  takeIf(expected: string): boolean {
    if (this.failed || !this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  /** A value that is no text: all up to what ends it. */
  token(): string | undefined {
    if (this.failed) return undefined;
    TOKEN.lastIndex = this.at;
    const [token] = TOKEN.exec(this.text) as RegExpExecArray;
    this.at += token.length;
    return token;
  }

  /** Takes the longest of the names that comes next with its separator. */
  takeOneOf(names: Iterable<string>, separator: string): string | undefined {
    let found: string | undefined;
    for (const name of names) {
      const next = this.text.startsWith(name + separator, this.at);
      if (next && (found === undefined || name.length > found.length)) found = name;
    }
    if (found === undefined) this.failed = true;
    else this.take(found + separator);
    return found;
  }
}

/** Bytes as the engine prints them: ASCII as it is, but for quotes and backslashes, and the rest as `\xAA`. */
export function bytesText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const plain = byte >= 32 && byte <= 126 && byte !== 34 && byte !== 39 && byte !== 92;
    text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
