import type { PlanOperator } from '../graph-engine';

/** The engine draws a plan as boxes of one width, side by side and below each other. */
const TOP = /^┌[─┴]+┐/;

interface Box {
  column: number;
  lines: string[];
}

/**
 * The operators of a plan as a tree, the one that gives the result on top, from the boxes that the engine draws.
 * Undefined for a drawing that is not understood. A box hangs below the nearest one of the level above that does not
 * stand right of it: an operator has its first input straight below, and the line to its second one leads to the right.
 */
export function planTree(drawing: string): PlanOperator | undefined {
  const lines = drawing.split('\n');
  // The title stands in a box inside a box.
  const start = lines.findIndex((line, index) => TOP.test(line) && !(lines[index + 1] ?? '').startsWith('│┌'));
  if (start < 0) return undefined;
  const width = TOP.exec(lines[start])![0].length;
  const levels = levelsOf(lines.slice(start), width);
  let above: { column: number; operator: PlanOperator }[] = [];
  let root: PlanOperator | undefined;
  for (const boxes of levels) {
    const here = boxes.map(({ column, lines: text }) => ({ column, operator: operatorOf(text) }));
    for (const { column, operator } of here) {
      if (operator === undefined) return undefined;
      const parent = above.filter((one) => one.column <= column).at(-1);
      if (parent !== undefined) parent.operator.children.push(operator);
      else if (root === undefined) root = operator;
      else return undefined;
    }
    above = here as typeof above;
  }
  return root;
}

/** Boxes by level, from left to right, with the lines inside of each. */
function levelsOf(lines: string[], width: number): Box[][] {
  const levels: Box[][] = [];
  for (const line of lines) {
    const cells = cellsOf(line, width);
    if (cells.some(({ text }) => text.startsWith('┌'))) {
      const tops = cells.filter(({ text }) => text.startsWith('┌'));
      levels.push(tops.map(({ column }) => ({ column, lines: [] })));
      continue;
    }
    for (const box of levels.at(-1) ?? []) {
      const text = cells[box.column]?.text ?? '';
      if (text.startsWith('│') && text.endsWith('│')) box.lines.push(text.slice(1, -1).trim());
    }
  }
  return levels;
}

function cellsOf(line: string, width: number): { column: number; text: string }[] {
  const count = Math.ceil(line.length / (width + 1));
  return Array.from({ length: count }, (_, column) => {
    const start = column * (width + 1);
    return { column, text: line.slice(start, start + width) };
  });
}

function operatorOf([title, ...lines]: string[]): PlanOperator | undefined {
  const name = /^(\w+)\[\d+\]$/.exec(title ?? '')?.[1];
  if (name === undefined) return undefined;
  const details: string[] = [];
  const figures: Record<string, number> = {};
  for (const line of lines) {
    const figure = /^(NumOutputTuples|ExecutionTime|TotalTime|WallClockTime): ([\d.]+)$/.exec(line);
    if (figure !== null) figures[figure[1]] = Number(figure[2]);
    else if (line !== '' && !/^-+$/.test(line)) details.push(line);
  }
  return {
    operator: name,
    details,
    rows: figures.NumOutputTuples ?? null,
    timeMs: figures.WallClockTime ?? figures.ExecutionTime ?? null,
    children: [],
  };
}
