const PERSONS = 20_000;

/** Twenty thousand people. */
export function manyPersons(): { rows: number; csv: string } {
  const lines = Array.from({ length: PERSONS }, (_, i) => `${i},Person ${i},1990-01-01`);
  return { rows: PERSONS, csv: ['id,name,born', ...lines].join('\n') };
}

/** Everybody knows the next thirty: enough rows for a load to be caught in the middle. */
export function manyFriendships(): { rows: number; csv: string } {
  const rows = PERSONS * 30;
  const lines = ['from,to,since'];
  for (let i = 0; i < rows; i += 1) {
    const from = i % PERSONS;
    lines.push(`${from},${(from + 1 + Math.floor(i / PERSONS)) % PERSONS},${1900 + (i % 100)}`);
  }
  return { rows, csv: lines.join('\n') };
}
