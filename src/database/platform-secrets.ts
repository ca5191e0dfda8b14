import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Transactor } from './transactor';

/** Secrets that all processes share: each is made by the first one to need it, and kept in the database. */
@Injectable()
export class PlatformSecrets {
  private readonly known = new Map<string, Promise<string>>();

  constructor(private readonly transactor: Transactor) {}

  of(name: string): Promise<string> {
    let secret = this.known.get(name);
    if (secret === undefined) {
      secret = this.shared(name).catch((error: unknown) => {
        this.known.delete(name);
        throw error;
      });
      this.known.set(name, secret);
    }
    return secret;
  }

  private async shared(name: string): Promise<string> {
    const { em } = this.transactor;
    await em.query('insert into platform_secret (name, value) values ($1, $2) on conflict (name) do nothing', [
      name,
      randomBytes(32).toString('base64url'),
    ]);
    const [row] = await em.query<{ value: string }[]>('select value from platform_secret where name = $1', [name]);
    return row.value;
  }
}
