import { Client } from 'pg';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { migrate } from './migrate';

describe('migrate', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it('may run many times and at the same time', async () => {
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ n: string }>('select count(*) as n from operation');
    await client.end();
    expect(rows[0].n).toBe('0');
  });
});
