import { ApiApp } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { DataKeys } from './data-keys';

const [FIRST, SECOND] = ['1a'.repeat(32), '2b'.repeat(32)];

describe('the keys of backups', () => {
  let database: TestDatabase;
  let orgId: string;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database?.drop());

  /** What a start of the platform with these settings has for the organisation, and what is stored then. */
  const started = async (settings: Record<string, string>) => {
    const api = await ApiApp.start(database.url, settings);
    try {
      orgId ??= (await api.user()).orgId;
      const keys = api.get(DataKeys);
      const rewrapped = await keys.rewrap();
      const key = await keys.of(orgId).catch((error: unknown) => error);
      const [row] = await api.sql<{ wrapped: Buffer; master_key: string }>(
        'select wrapped, master_key from org_data_key where org_id = $1',
        [orgId],
      );
      return { key, rewrapped, row, other: await keys.of((await api.user()).orgId) };
    } finally {
      await api.stop();
    }
  };

  it('stay the same under another master key, after which the old one is of no use', async () => {
    const first = await started({ BACKUP_MASTER_KEY: FIRST });
    const { key } = first;
    expect(key).toHaveLength(32);
    expect(first.other).not.toEqual(key);
    expect(first.row.wrapped.includes(key as Buffer)).toBe(false);
    const rotated = await started({ BACKUP_MASTER_KEY: SECOND, BACKUP_OLD_MASTER_KEYS: FIRST });
    expect(rotated.rewrapped).toBeGreaterThan(0);
    expect(rotated.key).toEqual(key);
    expect(rotated.row.master_key).not.toBe(first.row.master_key);
    const later = await started({ BACKUP_MASTER_KEY: SECOND });
    expect([later.key, later.rewrapped]).toEqual([key, 0]);
    const wrong = await started({ BACKUP_MASTER_KEY: FIRST });
    expect(wrong.key).toMatchObject({ code: 'backup_key_missing' });
    expect(wrong.row).toEqual(later.row);
  }, 120_000);

  it('cannot be given to another organisation', async () => {
    const api = await ApiApp.start(database.url, { BACKUP_MASTER_KEY: SECOND });
    try {
      const { orgId: thief } = await api.user();
      await api.sql(
        `insert into org_data_key (org_id, wrapped, master_key)
         select $1, wrapped, master_key from org_data_key where org_id = $2`,
        [thief, orgId],
      );
      await expect(api.get(DataKeys).of(thief)).rejects.toThrow();
    } finally {
      await api.stop();
    }
  }, 60_000);
});
