import { Client } from 'pg';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A database of one's own, cloned from the migrated template in about 50 ms. Its number is its queue's (`queueSettings`). */
export async function testDatabase(): Promise<TestDatabase> {
  const template = new URL(process.env.TEST_DATABASE_URL!);
  const [{ number }] = await asAdmin<{ number: string }>(template, `select nextval('test_database') as number`);
  const name = `t_${number}`;
  await asAdmin(template, `create database ${name} template ${template.pathname.slice(1)}`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  return { url: url.href, drop: async () => void (await asAdmin(template, `drop database ${name} with (force)`)) };
}

async function asAdmin<T>(template: URL, sql: string): Promise<T[]> {
  const url = new URL(template);
  url.pathname = '/postgres';
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query(sql);
    return rows as T[];
  } finally {
    await client.end();
  }
}

type Query = <T>(sql: string, parameters?: unknown[]) => Promise<T[]>;

/** A connection of one's own for as long as `work` takes. */
export async function withDatabase<T>(url: string, work: (query: Query) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(async <R>(sql: string, parameters: unknown[] = []) => {
      const { rows } = await client.query(sql, parameters);
      return rows as R[];
    });
  } finally {
    await client.end();
  }
}
