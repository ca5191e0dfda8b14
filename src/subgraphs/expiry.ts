import { InvalidRequest } from '../common/problem.filter';
import type { SubgraphType } from './subgraph';

/** The end of a subgraph of this type, as a request says it. Throws `InvalidRequest` for the past, and where one must be said. */
export function readExpiry(type: SubgraphType, text: string | null, now: Date): Date | null {
  if (text === null) {
    if (type === 'static') return null;
    refuse('a temporal subgraph must say when it ends', 'required');
  }
  const at = new Date(text);
  if (!(at > now)) refuse('must be in the future', 'future');
  return at;
}

function refuse(msg: string, type: string): never {
  throw new InvalidRequest([{ loc: ['body', 'expires_at'], msg, type }]);
}
