/** A type of a graph engine's value, read from its name such as `STRUCT(a INT64, b DATE[])`. */
export type ValueType =
  | { kind: 'scalar'; name: string; precision: number; scale: number }
  | { kind: 'list'; item: ValueType; suffix: string }
  | { kind: 'struct'; fields: [string, ValueType][] }
  | { kind: 'map'; key: ValueType; value: ValueType }
  | { kind: 'union'; members: [string, ValueType][] }
  | { kind: 'element' }
  | { kind: 'path' };

/** Types of the properties of each node and relationship table; NODE, REL and path values do not carry their types. */
export type TableTypes = ReadonlyMap<string, ReadonlyMap<string, ValueType>>;

/** A field is printed as its name and its type; the name may hold spaces, so the first thing that reads as a type wins. */
const FIELD = /^(.*?) ([A-Z][A-Z_0-9]*(?=$|[([]).*)$/s;

export function parseType(text: string): ValueType {
  const listOf = /^(.*)(\[\d*\])$/s.exec(text);
  if (listOf) return { kind: 'list', item: parseType(listOf[1]), suffix: listOf[2] };
  const name = /^[A-Z_0-9]+/.exec(text)?.[0] ?? '';
  switch (name) {
    case 'NODE':
    case 'REL':
      return { kind: 'element' };
    case 'RECURSIVE_REL':
      return { kind: 'path' };
    case 'STRUCT':
      return { kind: 'struct', fields: splitOuter(inside(text)).map(fieldOf) };
    case 'UNION':
      return { kind: 'union', members: splitOuter(inside(text)).map(fieldOf) };
    case 'MAP': {
      const [key, value = ''] = splitOuter(inside(text));
      return { kind: 'map', key: parseType(key), value: parseType(value) };
    }
    default:
      return { kind: 'scalar', name, ...digitsOf(name, text) };
  }
}

function digitsOf(name: string, text: string): { precision: number; scale: number } {
  const [precision = 0, scale = 0] = name === 'DECIMAL' ? splitOuter(inside(text)).map(Number) : [];
  return { precision, scale };
}

function fieldOf(text: string): [string, ValueType] {
  const [, name, type] = FIELD.exec(text) ?? ['', text, ''];
  return [name.replace(/^`|`$/g, ''), parseType(type)];
}

/** Splits `a INT64, b STRUCT(c DATE, d DATE)` at its outer commas. */
function splitOuter(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '(' || char === '[') depth += 1;
    else if (char === ')' || char === ']') depth -= 1;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

function inside(type: string): string {
  return type.slice(type.indexOf('(') + 1, type.lastIndexOf(')'));
}
