import { isNested, leavesOf, parseType } from '../schemas/property-types';
import type { BackupManifest } from './backup-manifest';

/** Why a backup cannot become a graph again with every value as it was; null where it can. */
export function whyNotRestorable({ format, schema }: Pick<BackupManifest, 'format' | 'schema'>): string | null {
  if (format === 'csv') return 'CSV does not tell empty text from no value. Stage its files, or use another format';
  if (format === 'json' && [...schema.nodes, ...schema.relationships].some(hasBytesInside))
    return 'in JSON, bytes inside a list or an object are text like any other. Use the format parquet or full_dump';
  return null;
}

function hasBytesInside({ properties }: { properties: { type: string }[] }): boolean {
  return properties.some(({ type }) => {
    const tree = parseType(type);
    return isNested(tree) && leavesOf(tree).some((leaf) => leaf.kind === 'scalar' && leaf.name === 'BLOB');
  });
}
