// Runs one of the project's own programs after preparing the checkout: node scripts/run.mjs <name> [arguments]
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

const PROGRAMS = {
  demo: 'src/demo/demo-main.js',
  'env-example': 'src/cli/env-example-main.js',
  bench: 'bench/bench-main.js',
};

const [name, ...args] = process.argv.slice(2);
const program = PROGRAMS[name];
if (program === undefined) {
  console.error(`Say which program to run: ${Object.keys(PROGRAMS).join(', ')}`);
  process.exit(1);
}
prepare();
process.argv = [process.argv[0], program, ...args];
await import(pathToFileURL(join(root, 'dist', program)).href);
