import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EngineWorld } from '../../test/support/engine-world';
import { Confinement } from './confinement';

const run = promisify(execFile);

/** Whether bwrap runs here; the tests below need the real thing and say in their names when they are left out. */
const works = ((): boolean => {
  const { command, args } = new Confinement('bubblewrap').confine({
    command: '/usr/bin/true',
    args: [],
    readOnly: [],
    writable: [],
  });
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const confined = works ? it : it.skip;
const note = works ? '' : ' (SKIPPED: bwrap does not work on this machine)';

describe('confinement', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graphstead-confined-'));
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'hidden');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const inside = async (script: string, paths: { readOnly?: string[]; writable?: string[] } = {}): Promise<string> => {
    const { command, args } = new Confinement('bubblewrap').confine({
      command: process.execPath,
      args: ['-e', script],
      readOnly: [],
      writable: [],
      env: { GIVEN: 'yes' },
      ...paths,
    });
    return (await run(command, args, { env: { PATH: '/usr/bin:/bin', OUTER: 'no' } })).stdout.trim();
  };
  const tryRead = `try { console.log(require('fs').readFileSync(${JSON.stringify(secret)}, 'utf8')) } catch (e) { console.log(e.code) }`;
  const tryWrite = `try { require('fs').writeFileSync(${JSON.stringify(join(folder, 'new'))}, 'x'); console.log('written') } catch (e) { console.log(e.code) }`;

  it('leaves commands alone at level none', () => {
    const request = { command: 'node', args: ['x'], readOnly: ['/a'], writable: ['/b'] };
    expect(new Confinement('none').confine(request)).toEqual({ command: 'node', args: ['x'] });
  });

  describe.each(works ? (['none', 'bubblewrap'] as const) : (['none'] as const))('limits at level %s', (level) => {
    const limits = { fileBytes: 4_096, cpuSeconds: 1 };
    const end = (script: string): Promise<unknown> => {
      const request = { command: process.execPath, args: ['-e', script], readOnly: [], writable: [folder], limits };
      const { command, args } = new Confinement(level).confine(request);
      return run(command, args).then(
        () => 'well',
        (error: { code: number | null; signal: string | null }) => error.signal ?? error.code,
      );
    };
    const write = (name: string, bytes: number): string =>
      `require('fs').writeFileSync(${JSON.stringify(join(folder, name))}, Buffer.alloc(${bytes}))`;

    it('the size of a file', async () => {
      expect(await end(write(`small-${level}`, 4_096))).toBe('well');
      expect(await end(write(`large-${level}`, 40_960))).not.toBe('well');
      expect(statSync(join(folder, `large-${level}`)).size).toBeLessThanOrEqual(4_096);
    });

    it('a later turn for what nobody waits for', async () => {
      const own = getPriority();
      const niceness = async (background?: boolean): Promise<number> => {
        const request = {
          command: process.execPath,
          args: ['-p', `os.getPriority() - ${own}`],
          readOnly: [],
          writable: [],
        };
        const { command, args } = new Confinement(level).confine({
          ...request,
          limits: { fileBytes: 4_096, cpuSeconds: 5, background },
        });
        return Number((await run(command, args)).stdout);
      };
      expect(await niceness()).toBe(0);
      expect(await niceness(true)).toBe(Math.min(5, 19 - own));
    });

    it('CPU time', async () => {
      // 128 + 24 is how a sandbox tells of SIGXCPU, and SIGKILL comes where that is not heeded.
      expect(['SIGXCPU', 'SIGKILL', 152, 137]).toContain(await end('for (;;);'));
    });
  });

  it('does not probe when none is wanted', async () => {
    expect((await Confinement.probe('none')).level).toBe('none');
  });

  it('takes what works when left to itself', async () => {
    expect((await Confinement.probe('auto')).level).toBe(works ? 'bubblewrap' : 'none');
  });

  confined(`hides what is not given${note}`, async () => {
    expect(await inside(tryRead)).toBe('ENOENT');
    expect(await inside(tryRead, { readOnly: [folder] })).toBe('hidden');
  });

  confined(`keeps what is read-only read-only${note}`, async () => {
    expect(await inside(tryWrite, { readOnly: [folder] })).toBe('EROFS');
    expect(await inside(tryWrite, { writable: [folder] })).toBe('written');
    expect(await inside(tryWrite, { readOnly: [dirname(folder)], writable: [folder] })).toBe('written');
  });

  confined(`gives its own environment, no network and no other processes${note}`, async () => {
    const script = `console.log(process.env.GIVEN, process.env.OUTER, process.pid,
      Object.values(require('os').networkInterfaces()).flat().filter((one) => !one.internal).length)`;
    expect(await inside(script)).toBe('yes undefined 1 0');
  });

  confined(`carries builds, queries and kills of the engine${note}`, async () => {
    const world = new EngineWorld({ hostMemoryMb: 400 }, 'bubblewrap');
    try {
      const ring = await world.ring(1_000);
      const count = 'MATCH (p:Person)-[:KNOWS]->(q) RETURN count(*) AS c';
      expect((await world.rows(ring, count)).rows).toEqual([{ c: 1_000 }]);
      expect(world.engine.status(ring).memoryBytes).toBeGreaterThan(20 * 1024 * 1024);
      const hungry = world.rows(
        ring,
        'UNWIND range(1, 300000000) AS x RETURN count(x) AS c',
        {},
        { timeoutMs: 60_000 },
      );
      await expect(hungry).rejects.toMatchObject({ code: 'query_out_of_memory' });
      expect((await world.rows(ring, count)).rows).toEqual([{ c: 1_000 }]);
    } finally {
      await world.end();
    }
  });
});
