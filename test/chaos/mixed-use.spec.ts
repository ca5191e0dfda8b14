import { setTimeout as delay } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { Platform } from '../support/platform';
import { GraphUser } from './graph-user';
import { processesIn, strayFiles, unfinishedIn } from './leftovers';
import { Chance, chaos, LONG } from './seed';

const USERS = 3;
const ACTS = LONG ? 120 : 4;
/** Between two kills, from when the platform is ready again. */
const [LEAST_MS, MOST_MS] = [1_000, 6_000];

describe('a platform that is killed again and again', () => {
  let database: TestDatabase;
  let dataDir: string;
  let remove: () => Promise<void>;
  let platform: Platform;

  const start = (port: string): Promise<Platform> =>
    Platform.start(dataDir, {
      DATABASE_URL: database.url,
      PORT: port,
      LEASE_SECONDS: '2',
      LEASE_RENEW_SECONDS: '1',
      REAPER_SECONDS: '1',
      SWEEPER_SECONDS: '1',
      RESEND_SECONDS: '1',
      GENERATION_COLLECT_SECONDS: '1',
      BACKUP_SWEEP_SECONDS: '1',
      PART_SWEEP_SECONDS: '1',
      TIER_LIMITS: JSON.stringify({ 'ladybug-standard': { backups_per_day: 10_000 } }),
    });

  beforeAll(async () => {
    database = await testDatabase();
    ({ dataDir, remove } = await Platform.newDataDir());
    platform = await start('0');
  }, 120_000);

  afterAll(async () => {
    await platform?.stop();
    await remove?.();
    await database?.drop();
  });

  chaos(
    'gives each of its users at every moment what they have been told is there, and leaves nothing behind',
    async (chance) => {
      const { url, credentials } = platform;
      const users = Array.from(
        { length: USERS },
        () => new GraphUser(url, credentials.api_key, new Chance(chance.between(0, 2 ** 31))),
      );
      let working = true;
      const work = Promise.all(
        users.map(async (user) => {
          await user.create();
          for (let act = 0; act < ACTS; act += 1) await user.act();
        }),
      ).finally(() => (working = false));
      const kills = (async () => {
        for (let kill = 0; working && (LONG || kill < 2); kill += 1) {
          await delay(chance.between(LEAST_MS, MOST_MS));
          await platform.stop('SIGKILL');
          platform = await start(new URL(url).port);
        }
      })();
      await Promise.all([work, kills]);
      for (const user of users) await user.check();
      await eventually(
        'nothing is under way',
        () => unfinishedIn(database.url),
        (found) => found.length === 0,
      );
      await eventually(
        'no file is left that nobody needs',
        () => strayFiles(dataDir, database.url),
        (found) => found.length === 0,
        60_000,
      );
      await platform.stop();
      expect(processesIn(dataDir, [process.pid])).toEqual([]);
    },
    LONG ? 3_600_000 : 240_000,
  );
});
