import { backup } from './backup';
import { density } from './density';
import { exportRows } from './export';
import { fork } from './fork';
import { idle } from './idle';
import { incremental } from './incremental';
import { cleanUp } from './lib/cleanup';
import { keep, machine, type Report, toMarkdown } from './lib/report';
import { materialize } from './materialize';
import { neighbour } from './neighbour';
import { operations } from './operations';
import { pointQuery } from './point-query';
import { reference } from './reference';
import { start } from './start';
import { streams } from './streams';

const BENCHMARKS: Record<string, () => Promise<Report>> = {
  materialize,
  incremental,
  neighbour,
  fork,
  backup,
  'point-query': pointQuery,
  reference,
  export: exportRows,
  start,
  idle,
  density,
  operations,
  streams,
};

/** Runs the benchmarks that are named, or all of them, and prints one table. Ends with 1 if one could not be run. */
async function main(names: string[]): Promise<boolean> {
  const unknown = names.filter((name) => !(name in BENCHMARKS));
  if (unknown.length > 0) {
    throw new Error(`There is no benchmark ${unknown.join(', ')}. Choose from ${Object.keys(BENCHMARKS).join(', ')}`);
  }
  const on = machine();
  const reports: Report[] = [];
  let failed = false;
  for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) {
    say(`Running ${name} ...`);
    const startedOn = machine();
    try {
      const report = await BENCHMARKS[name]();
      reports.push(report);
      say(`  kept in ${await keep(report, startedOn)}`);
    } catch (error) {
      failed = true;
      process.stderr.write(`${name} failed: ${(error as Error).stack}\n`);
    } finally {
      await cleanUp();
    }
  }
  if (reports.length > 0) say(`\n${toMarkdown(reports, on)}`);
  return !failed;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say(`${signal}: cleaning up ...`);
    void cleanUp().finally(() => process.exit(1));
  });
}

main(process.argv.slice(2)).then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
