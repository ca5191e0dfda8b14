import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { sameSignature, signatureOf } from '../common/link-signature';
import { PlatformSecrets } from '../database/platform-secrets';
import { StagingConfig } from './staging.config';
import { UploadLinkExpired, UploadLinkInvalid } from './staging.errors';

const SECRET_NAME = 'upload_signing';

/** Signs and checks upload links. Whoever has a link may upload that one file until it expires, and nothing else. */
@Injectable()
export class UploadLinks {
  constructor(
    private readonly config: StagingConfig,
    private readonly secrets: PlatformSecrets,
    private readonly clock: Clock,
  ) {}

  /** The link for a file. `origin`: scheme and host under which the caller reaches the API. */
  async sign(origin: string, fileId: string): Promise<{ url: string; expiresIn: number }> {
    const expiresIn = this.config.linkSeconds;
    const expires = Math.floor(this.clock.now().getTime() / 1000) + expiresIn;
    const signature = signatureOf(await this.key(), 'PUT', fileId, expires);
    return { url: `${origin}/v1/uploads/${fileId}?expires=${expires}&signature=${signature}`, expiresIn };
  }

  /** Throws {@link UploadLinkInvalid} for a link that was not given out, {@link UploadLinkExpired} for an old one. */
  async check(fileId: string, expires: unknown, signature: unknown): Promise<void> {
    if (typeof expires !== 'string' || !/^\d{1,12}$/.test(expires)) throw new UploadLinkInvalid();
    const wanted = signatureOf(await this.key(), 'PUT', fileId, Number(expires));
    if (!sameSignature(signature, wanted)) throw new UploadLinkInvalid();
    if (Number(expires) * 1000 <= this.clock.now().getTime()) throw new UploadLinkExpired();
  }

  /** The configured secret, or the one that the first process to need it put into the database. */
  private key(): Promise<string> {
    const { signingSecret } = this.config;
    return signingSecret === undefined ? this.secrets.of(SECRET_NAME) : Promise.resolve(signingSecret);
  }
}
