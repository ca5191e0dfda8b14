import { Ids, OPERATION_ID, QUERY_ID } from './ids';

describe('ids', () => {
  const ids = new Ids();

  it('of operations and queries are all different, and sort by the time of their making', () => {
    const made = Array.from({ length: 2_000 }, () => ids.operation());
    expect(new Set(made).size).toBe(2_000);
    expect([...made].sort()).toEqual(made);
    for (const id of made.slice(0, 5)) expect(id).toMatch(OPERATION_ID);
    expect(ids.query()).toMatch(QUERY_ID);
  });
});
