import { parse, YAMLParseError } from 'yaml';
import { InvalidRequest } from '../common/problem.filter';
import type { Path, Raw } from './raw-reader';

/** A definition out of a request: as it is, or read from JSON or YAML. Throws `InvalidRequest`. */
export function readDefinition(definition: object | string, format: string, path: Path): Raw {
  if (typeof definition !== 'string') return definition as Raw;
  const read = parsed(definition, format, path);
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read as Raw;
  throw new InvalidRequest([{ loc: path, msg: 'must hold an object with nodes and relationships', type: 'object' }]);
}

function parsed(text: string, format: string, path: Path): unknown {
  try {
    // Aliases that unfold into each other would fill the memory.
    return format === 'yaml' ? parse(text, { maxAliasCount: 100 }) : JSON.parse(text);
  } catch (error) {
    if (format === 'yaml' && error instanceof YAMLParseError) {
      const line = error.linePos?.[0].line ?? 1;
      throw new InvalidRequest([{ loc: path, msg: `is no YAML: see line ${line}`, type: 'yaml' }]);
    }
    const msg = format === 'yaml' ? 'is no YAML that can be read' : 'is no JSON; for YAML say so with format';
    throw new InvalidRequest([{ loc: path, msg, type: format === 'yaml' ? 'yaml' : 'json' }]);
  }
}
