import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { pageOf } from './page.dto';

class ListQuery extends pageOf({ limit: 5, most: 10 }) {}

describe('pageOf', () => {
  const read = (query: object): unknown => {
    const page = plainToInstance(ListQuery, query);
    const wrong = validateSync(page, { whitelist: true, forbidNonWhitelisted: true });
    return wrong.length > 0 ? wrong.map(({ property }) => property) : { ...page };
  };

  it('is the first few where nothing is said, and what is said within its bounds', () => {
    expect(read({})).toEqual({ limit: 5, offset: 0 });
    expect(read({ limit: '10', offset: '3' })).toEqual({ limit: 10, offset: 3 });
  });

  it('refuses what is no page', () => {
    for (const limit of ['0', '11', 'x', '1.5', '-1']) expect(read({ limit })).toEqual(['limit']);
    for (const offset of ['-1', 'x', '0.5', '1e30']) expect(read({ offset })).toEqual(['offset']);
    expect(read({ page: 1 })).toEqual(['page']);
  });
});
