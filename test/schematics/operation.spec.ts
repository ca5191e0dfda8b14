import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../src/common/child-entry';

const run = promisify(execFile);
const LEFT_OUT = new Set(['node_modules', 'dist', 'data', 'coverage', '.git']);

/** What CONTRIBUTING.md tells people to do, in a copy of the project, with what they would run next. */
describe('npx nest g -c ./schematics operation', () => {
  let copy: string;

  beforeAll(async () => {
    const root = projectRoot();
    copy = await mkdtemp(join(tmpdir(), 'gs-schematic-'));
    await cp(root, copy, { recursive: true, filter: (path) => !LEFT_OUT.has(path.slice(root.length + 1)) });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  /** Runs a program of the project in the copy; rejects with its output where it fails. */
  async function node(program: string, ...args: string[]): Promise<string> {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    const done = run(process.execPath, [join('node_modules', program), ...args], { cwd: copy, env });
    const { stdout, stderr } = await done.catch((error: Error & { stdout: string; stderr: string }) => {
      throw new Error(`${program} ${args.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
    });
    return stdout + stderr;
  }
  const generate = (name: string) => node('@nestjs/cli/bin/nest.js', 'g', '-c', './schematics', 'operation', name);
  const file = (path: string) => readFile(join(copy, path), 'utf8');

  it('changes nothing where the name is not one, or is taken', async () => {
    // Nest's command tells of a failure and exits with 0 all the same.
    expect(await generate('reports')).toContain('"reports" is not <feature>/<verb-noun>');
    expect(await generate('graphs/create-graph')).toContain('create-graph.processor.ts is there already');
    expect(await file('src/graphs/graphs.operations.ts')).toBe(
      await readFile(join(projectRoot(), 'src/graphs/graphs.operations.ts'), 'utf8'),
    );
  }, 60_000);

  it('makes operations, in a feature of their own and in one that is there, which pass all checks at once', async () => {
    await generate('reports/create-report');
    await generate('graphs/rename-graph');
    expect(await file('src/reports/reports.operations.ts')).toContain("name: 'report_create'");
    expect(await file('src/reports/reports.module.ts')).toContain('JobsModule.forFeature([CreateReport])');
    expect(await file('src/app.module.ts')).toMatch(/^ {8}ReportsModule,$/m);
    expect(await file('src/graphs/graphs.module.ts')).toMatch(/forFeature\(\[CreateGraph, .*RenameGraph\]\)/);

    const made = ['src/reports', 'src/graphs', 'src/app.module.ts'];
    await Promise.all([
      node('typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'),
      node('eslint/bin/eslint.js', ...made),
      node('prettier/bin/prettier.cjs', '--check', ...made),
    ]);
    const specs = ['src/reports/create-report.processor.spec.ts', 'src/graphs/rename-graph.processor.spec.ts'];
    expect(await node('jest/bin/jest.js', ...specs)).toMatch(/^Tests: +4 passed, 4 total$/m);
  }, 240_000);
});
