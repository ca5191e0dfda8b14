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

/** What stands in a statement from one place to another, and what is to be there instead. */
export interface Edit {
  from: number;
  to: number;
  text: string;
}

/** The statement with all of the edits, none of which reaches into another. */
export function edited(statement: string, edits: Edit[]): string {
  let text = '';
  let copied = 0;
  for (const { from, to, text: given } of [...edits].sort((one, other) => one.from - other.from)) {
    text += statement.slice(copied, from) + given;
    copied = to;
  }
  return text + statement.slice(copied);
}
