import { Clock } from '../common/clock';
import { PlatformSecrets } from '../database/platform-secrets';
import type { Transactor } from '../database/transactor';
import { StagingConfig } from './staging.config';
import { UploadLinks } from './upload-links';

const FILE = '00000000-0000-4000-8000-000000000001';

class StoppedClock extends Clock {
  time = Date.parse('2026-01-01T00:00:00Z');
  override now(): Date {
    return new Date(this.time);
  }
}

/** Answers as the table of secrets does: the first value stays. */
function secretTable(): Transactor {
  let value: string | undefined;
  const query = (sql: string, [, given]: string[]): Promise<unknown> => {
    if (sql.startsWith('insert')) value ??= given;
    return Promise.resolve([{ value }]);
  };
  return { em: { query } } as unknown as Transactor;
}

describe('UploadLinks', () => {
  const clock = new StoppedClock();
  const config = new StagingConfig();

  async function parts(links: UploadLinks, fileId = FILE): Promise<{ expires: string; signature: string }> {
    const { url } = await links.sign('http://localhost:8000', fileId);
    const { searchParams } = new URL(url);
    return { expires: searchParams.get('expires')!, signature: searchParams.get('signature')! };
  }

  it('accepts its own links in every process that shares the table, until they expire', async () => {
    const table = secretTable();
    const links = new UploadLinks(config, new PlatformSecrets(table), clock);
    const { expires, signature } = await parts(links);
    const elsewhere = new UploadLinks(config, new PlatformSecrets(table), clock);
    await expect(elsewhere.check(FILE, expires, signature)).resolves.toBeUndefined();
    clock.time += config.linkSeconds * 1000 - 1;
    await expect(elsewhere.check(FILE, expires, signature)).resolves.toBeUndefined();
    clock.time += 1;
    await expect(elsewhere.check(FILE, expires, signature)).rejects.toMatchObject({ code: 'upload_link_expired' });
  });

  it('refuses everything else', async () => {
    const links = new UploadLinks(config, new PlatformSecrets(secretTable()), clock);
    const { expires, signature } = await parts(links);
    const other = FILE.replace(/1$/, '2');
    const foreign = await parts(new UploadLinks(config, new PlatformSecrets(secretTable()), clock));
    for (const [file, when, signed] of [
      [other, expires, signature],
      [FILE, String(Number(expires) + 1), signature],
      [FILE, expires, foreign.signature],
      [FILE, expires, ''],
      [FILE, expires, undefined],
      [FILE, undefined, signature],
      [FILE, [expires, expires], signature],
      [FILE, '1e99', signature],
    ] as [string, unknown, unknown][]) {
      await expect(links.check(file, when, signed)).rejects.toMatchObject({ code: 'upload_link_invalid' });
    }
  });

  it('uses the configured secret where there is one', async () => {
    const configured = Object.assign(new StagingConfig(), { signingSecret: 'a secret of the operator' });
    const noTable = new PlatformSecrets({} as Transactor);
    const { expires, signature } = await parts(new UploadLinks(configured, noTable, clock));
    await expect(new UploadLinks(configured, noTable, clock).check(FILE, expires, signature)).resolves.toBeUndefined();
  });
});
