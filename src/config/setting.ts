/** A setting's value as text is turned into `T`; a message in words is thrown as `Error` where that fails. */
export type Parse<T> = (text: string) => T;

/** What is known of one environment variable: enough to read it, to document it and to complain about it. */
export interface SettingInfo {
  property: string;
  env: string;
  description: string;
  parse: Parse<unknown>;
  /** Where the default is found at run time (such as "half the memory"), in words for `.env.example`. */
  defaultText?: string;
}

const SETTINGS = new WeakMap<object, SettingInfo[]>();

/** Marks a property of a config class as read from the environment variable `env`; its initial value is the default. */
export function Setting<T>(env: string, parse: Parse<T>, description: string, defaultText?: string): PropertyDecorator {
  return (target, property) => {
    const known = SETTINGS.get(target) ?? [];
    known.push({ property: String(property), env, description, parse, defaultText });
    SETTINGS.set(target, known);
  };
}

/** The settings of a config class, in the order of their declaration. */
export function settingsOf(configClass: new () => object): SettingInfo[] {
  return SETTINGS.get(configClass.prototype as object) ?? [];
}

/** A whole number within [min, max]. */
export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): Parse<number> {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** One of the given words. */
export function oneOf<const T extends string>(...words: T[]): Parse<T> {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new Error(`must be one of ${words.join(', ')}`);
    return word;
  };
}

/** A comma-separated list of the given words, at least one, none twice. */
export function listOf<const T extends string>(...words: T[]): Parse<T[]> {
  const one = oneOf(...words);
  const parse = names();
  return (text) => parse(text).map((word) => one(word));
}

/** A comma-separated list of names that are looked up later, at least one, none twice. */
export function names(): Parse<string[]> {
  return (text) => {
    const list = text.split(',').map((name) => name.trim());
    if (list.includes('')) throw new Error('must be names joined by commas');
    if (new Set(list).size !== list.length) throw new Error('must not name a word twice');
    return list;
  };
}

/** Any text that is not empty. */
export function text(): Parse<string> {
  return (value) => {
    if (value.trim() === '') throw new Error('must not be empty');
    return value;
  };
}

/** A URL with one of the given schemes. */
export function url(...schemes: string[]): Parse<string> {
  return (value) => {
    const scheme = URL.canParse(value) ? new URL(value).protocol.replace(/:$/, '') : '';
    if (!schemes.includes(scheme)) throw new Error(`must be a URL that starts with ${schemes.join(':// or ')}://`);
    return value;
  };
}
