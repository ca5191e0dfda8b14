import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Raw } from './raw-reader';

/** A ready-made schema that graphs can be made from; a file of `extensions/`, named after it. */
export interface SchemaExtension {
  name: string;
  description: string;
  nodes: Raw[];
  relationships: Raw[];
}

const DIRECTORY = join(__dirname, 'extensions');
let read: ReadonlyMap<string, SchemaExtension> | undefined;

/** All extensions by name, in the order of their names. */
export function schemaExtensions(): ReadonlyMap<string, SchemaExtension> {
  read ??= new Map(
    readdirSync(DIRECTORY)
      .filter((file) => file.endsWith('.yaml'))
      .sort()
      .map((file) => {
        const name = file.slice(0, -'.yaml'.length);
        const content = parse(readFileSync(join(DIRECTORY, file), 'utf8')) as Omit<SchemaExtension, 'name'>;
        return [name, { name, ...content }];
      }),
  );
  return read;
}
