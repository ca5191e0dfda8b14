import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { MergedCopies } from './merged-copies';

describe('merged copies', () => {
  let folder: string;
  let generation: string;
  beforeEach(() => {
    Logger.overrideLogger(false);
    folder = mkdtempSync(join(tmpdir(), 'graphstead-merged-'));
    generation = join(folder, '7');
    mkdirSync(generation);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  jest.setTimeout(60_000);

  const merge = (from: string, to: string): Promise<string> => {
    writeFileSync(join(to, 'graph.lbug'), from);
    return Promise.resolve('abc');
  };
  /** A merge that goes on until it is told to end, or aborted. */
  function slow() {
    let begun!: () => void;
    let end!: () => void;
    const begins = new Promise<void>((resolve) => (begun = resolve));
    const ends = new Promise<void>((resolve) => (end = resolve));
    const work = async (from: string, to: string, signal: AbortSignal): Promise<string> => {
      begun();
      await Promise.race([
        ends,
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error()))),
      ]);
      return merge(from, to);
    };
    return { begins, end, work };
  }

  it('are found once they are whole, and are gone with their generation', async () => {
    const copies = new MergedCopies(merge);
    expect(await copies.find(generation)).toBeUndefined();
    copies.begin(generation);
    await copies.settled(generation);
    const copy = join(folder, '7.merged-abc');
    expect(await copies.find(generation)).toEqual({ directory: copy, sha256: 'abc' });
    expect(readdirSync(copy)).toEqual(['graph.lbug']);
    mkdirSync(join(folder, '77.merged-abc'));
    await copies.drop(generation);
    expect(readdirSync(folder).sort()).toEqual(['7', '77.merged-abc']);
  });

  it('are not there while they are made, nor after that has failed, and can be made again', async () => {
    const { begins, end, work } = slow();
    let make: typeof merge = (from, to) => work(from, to, new AbortController().signal);
    const copies = new MergedCopies((from, to) => make(from, to));
    copies.begin(generation);
    await begins;
    expect(await copies.find(generation)).toBeUndefined();
    make = () => Promise.reject(new Error('the process ended'));
    const other = join(folder, '8');
    mkdirSync(other);
    copies.begin(other);
    end();
    await copies.settled(other);
    expect(await copies.find(generation)).toBeDefined();
    expect(readdirSync(folder).sort()).toEqual(['7', '7.merged-abc', '8']);
    make = merge;
    // Of a process that was killed.
    mkdirSync(join(folder, '8.merging'));
    writeFileSync(join(folder, '8.merging', 'half'), '');
    copies.begin(other);
    await copies.settled(other);
    expect(readdirSync(join(folder, '8.merged-abc'))).toEqual(['graph.lbug']);
  });

  it('stop being made when the generation is dropped, or everything is closed', async () => {
    for (const stop of ['drop', 'close'] as const) {
      const { begins, work } = slow();
      const copies = new MergedCopies(work);
      copies.begin(generation);
      await begins;
      await copies[stop](generation);
      expect(readdirSync(folder)).toEqual(['7']);
    }
  });

  it('do not outlive a generation that another process has dropped meanwhile', async () => {
    const { begins, end, work } = slow();
    const copies = new MergedCopies(work);
    copies.begin(generation);
    await begins;
    rmSync(generation, { recursive: true });
    end();
    await copies.settled(generation);
    expect(existsSync(folder)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });
});
