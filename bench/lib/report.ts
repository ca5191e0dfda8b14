import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../src/common/child-entry';

/** One line of the table. `value` is in the unit that `shown` says; with a target, `met` says whether it was reached. */
export interface Finding {
  measure: string;
  value: number;
  shown: string;
  target?: string;
  met?: boolean;
}

/** What a benchmark gives: lines for people, and everything that was measured for programs. */
export interface Report {
  name: string;
  findings: Finding[];
  details: object;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  node: string;
  /** Of the last minute, when the benchmark began: above the number of cores the figures are those of a busy machine. */
  loadAverage: number;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    loadAverage: Math.round(loadavg()[0] * 10) / 10,
  };
}

/** A figure without a target. */
export function figure(measure: string, value: number, unit: string): Finding {
  return { measure, value, shown: show(value, unit) };
}

/** A figure that should be at most `limit`. */
export function atMost(measure: string, value: number, limit: number, unit: string): Finding {
  return { ...figure(measure, value, unit), target: `<= ${show(limit, unit)}`, met: value <= limit };
}

/** A figure that should be at least `least`. */
export function atLeast(measure: string, value: number, least: number, unit: string): Finding {
  return { ...figure(measure, value, unit), target: `>= ${show(least, unit)}`, met: value >= least };
}

/** Something that was left out: it counts as a target that was not reached. */
export function leftOut(measure: string): Finding {
  return { measure, value: NaN, shown: 'left out', met: false };
}

function show(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number = value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit === '' ? number : unit === 'x' ? `${number}x` : `${number} ${unit}`;
}

/** The table of all findings, in Markdown. */
export function toMarkdown(reports: readonly Report[], { cpu, cores, memoryGb, node, loadAverage }: Machine): string {
  const lines = reports.flatMap(({ name, findings }) =>
    findings.map(({ measure, shown, target, met }) => {
      const verdict = met === undefined ? '' : met ? 'yes' : 'no';
      return `| ${name} | ${measure} | ${shown} | ${target ?? ''} | ${verdict} |`;
    }),
  );
  return [
    `Machine: ${cpu}, ${cores} cores, ${memoryGb} GiB, Node ${node}, load average ${loadAverage} at the start.`,
    '',
    '| Benchmark | Measure | Result | Target | Met |',
    '|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

/** Keeps a report, with the machine it is from, in `.cache/bench/<name>.json`; gives the file's path in the project. */
export async function keep(report: Report, on: Machine): Promise<string> {
  const directory = join(projectRoot(), '.cache', 'bench');
  await mkdir(directory, { recursive: true });
  const content = { ...report, machine: on, measuredAt: new Date().toISOString() };
  await writeFile(join(directory, `${report.name}.json`), `${JSON.stringify(content, null, 2)}\n`);
  return `.cache/bench/${report.name}.json`;
}
