import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { StagingConfig } from './staging.config';
import { UploadLinkExpired, UploadLinkInvalid } from './staging.errors';

const SECRET_NAME = 'upload_signing';

/** Signs and checks upload links. Whoever has a link may upload that one file until it expires, and nothing else. */
@Injectable()
export class UploadLinks {
  private secret?: Promise<string>;

  constructor(
    private readonly config: StagingConfig,
    private readonly transactor: Transactor,
    private readonly clock: Clock,
  ) {}

  /** The link for a file. `origin`: scheme and host under which the caller reaches the API. */
  async sign(origin: string, fileId: string): Promise<{ url: string; expiresIn: number }> {
    const expiresIn = this.config.linkSeconds;
    const expires = Math.floor(this.clock.now().getTime() / 1000) + expiresIn;
    const signature = signatureOf(await this.key(), fileId, expires);
    return { url: `${origin}/v1/uploads/${fileId}?expires=${expires}&signature=${signature}`, expiresIn };
  }

  /** Throws {@link UploadLinkInvalid} for a link that was not given out, {@link UploadLinkExpired} for an old one. */
  async check(fileId: string, expires: unknown, signature: unknown): Promise<void> {
    if (typeof expires !== 'string' || !/^\d{1,12}$/.test(expires) || typeof signature !== 'string') {
      throw new UploadLinkInvalid();
    }
    const wanted = Buffer.from(signatureOf(await this.key(), fileId, Number(expires)));
    const given = Buffer.from(signature);
    if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) throw new UploadLinkInvalid();
    if (Number(expires) * 1000 <= this.clock.now().getTime()) throw new UploadLinkExpired();
  }

  /** The configured secret, or the one that the first process to need it put into the database. */
  private key(): Promise<string> {
    if (this.config.signingSecret !== undefined) return Promise.resolve(this.config.signingSecret);
    this.secret ??= this.shared().catch((error: unknown) => {
      this.secret = undefined;
      throw error;
    });
    return this.secret;
  }

  private async shared(): Promise<string> {
    await this.transactor.em.query(
      'insert into platform_secret (name, value) values ($1, $2) on conflict (name) do nothing',
      [SECRET_NAME, randomBytes(32).toString('base64url')],
    );
    const [row] = await this.transactor.em.query<{ value: string }[]>(
      'select value from platform_secret where name = $1',
      [SECRET_NAME],
    );
    return row.value;
  }
}

function signatureOf(key: string, fileId: string, expires: number): string {
  return createHmac('sha256', key).update(`PUT\n${fileId}\n${expires}`).digest('base64url');
}
