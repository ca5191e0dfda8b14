import { HostFailure } from './messages';

/** A name as the engine's language takes it. The language has no escape for a backtick. */
export function quoteName(name: string): string {
  if (name.includes('`')) throw new HostFailure('load_failed', 'A table name contains a backtick');
  return `\`${name}\``;
}

/** A text as the engine's language takes it. */
export function quoteText(value: string): string {
  return `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
}
