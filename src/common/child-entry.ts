import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds package.json, whether this code runs from `src` (tests) or from `dist`. */
export function projectRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json was not found above the program. Keep dist beside it.');
    folder = parent;
  }
  return folder;
}

/** The folder of compiled code; everything that a child process of ours loads besides packages. */
export function compiledRoot(): string {
  return join(projectRoot(), 'dist');
}

/**
 * The compiled file that a child process starts with. Children always run from `dist`, also under jest, so that they
 * need no TypeScript loader; `npm test` builds first. `source` is relative to `src`, without an extension.
 */
export function childEntry(source: string): string {
  const entry = join(compiledRoot(), 'src', `${source}.js`);
  if (!existsSync(entry)) throw new Error(`${source} is not compiled. Run "npm run build" first.`);
  return entry;
}

/** The folder of an installed package, by the path under which a child of ours looks for it (which may be a link). */
export function packageFolder(name: string): string {
  const folder = join(projectRoot(), 'node_modules', name);
  return existsSync(folder) ? folder : dirname(require.resolve(name));
}
