import { Client } from './client';
import { type TestDatabase, testDatabase } from './database';
import { Platform } from './platform';

/** A running platform with a database and a data directory of its own, and a client of its owner: what a file of tests needs. */
export class PlatformWorld {
  private constructor(
    readonly database: TestDatabase,
    readonly platform: Platform,
    readonly client: Client,
    private readonly removeData: () => Promise<void>,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<PlatformWorld> {
    const database = await testDatabase();
    const { dataDir, remove } = await Platform.newDataDir();
    try {
      const platform = await Platform.start(dataDir, { DATABASE_URL: database.url, ...settings });
      return new PlatformWorld(database, platform, new Client(platform.url, platform.credentials.api_key), remove);
    } catch (error) {
      await remove();
      await database.drop();
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.platform.stop();
    await this.removeData();
    await this.database.drop();
  }
}
