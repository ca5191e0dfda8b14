// Makes a checkout ready to run: locked dependencies, then a build, each only where it is missing or older than its
// sources. Uses Node's own modules alone, since nothing else may be there yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const INSTALLED = join(root, 'node_modules', '.installed-lock');
const BUILT = join(root, 'dist', '.built');
const SOURCES = ['src', 'migrations', 'bench', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
const LEAST_NODE = [20, 19];

/** Installs and builds what is missing; quick when nothing is. */
export function prepare() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
    fail(`Graphstead needs Node ${LEAST_NODE.join('.')} or newer; this is ${process.versions.node}.`);
  }
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (read(INSTALLED) !== lock) {
    console.log('Installing the locked dependencies (npm ci) ...');
    run('npm', ['ci', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error']);
    writeFileSync(INSTALLED, lock);
    rmSync(BUILT, { force: true });
  }
  const newest = Math.max(...SOURCES.map((source) => newestIn(join(root, source))));
  if (!existsSync(BUILT) || statSync(BUILT).mtimeMs < newest) {
    console.log('Building ...');
    run(process.execPath, [join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build']);
    writeFileSync(BUILT, '');
  }
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (error) fail(`${command} could not be started: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(' ')} failed; its output is above.`);
}

function newestIn(path) {
  // A copy without benchmarks, say, runs all the same.
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestIn(join(path, name))), stat.mtimeMs);
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepare();
