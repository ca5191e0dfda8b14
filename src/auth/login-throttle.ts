import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { Injectable } from '@nestjs/common';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { AuthConfig } from './auth.config';
import { TooManyAttempts } from './auth.errors';

/**
 * Slows guessing down, counted in Postgres and so across all processes: by account and address, and by address alone.
 * Not by account alone, or anybody could lock anybody else out.
 */
@Injectable()
export class LoginThrottle {
  private readonly byAccount: RateLimiterPostgres;
  private readonly byAddress: RateLimiterPostgres;
  private readonly registrations: RateLimiterPostgres;

  constructor(dataSource: DataSource, config: AuthConfig) {
    const limiter = (keyPrefix: string, points: number, duration: number) =>
      new RateLimiterPostgres({
        storeClient: dataSource,
        storeType: 'typeorm',
        tableName: 'attempt_limit',
        tableCreated: true,
        keyPrefix,
        points,
        duration,
      });
    this.byAccount = limiter('login', config.loginAttempts, config.loginWindowSeconds);
    this.byAddress = limiter('login_ip', config.loginAttemptsPerIp, config.loginWindowSeconds);
    this.registrations = limiter('register_ip', config.registrationsPerIp, 3600);
  }

  /**
   * Counts an attempt before it is made, so that many at once cannot slip through. `account` is what is being guessed
   * at. Throws {@link TooManyAttempts}.
   */
  async attempt(account: string, ip: string): Promise<void> {
    await take(this.byAddress, networkOf(ip));
    await take(this.byAccount, keyOf(account, ip));
  }

  /** Forgives the attempts of who turned out to know the secret. */
  async succeeded(account: string, ip: string): Promise<void> {
    await this.byAccount.delete(keyOf(account, ip));
    await this.byAddress.reward(networkOf(ip), 1);
  }

  /** Counts a registration. Throws {@link TooManyAttempts}. */
  registration(ip: string): Promise<void> {
    return take(this.registrations, networkOf(ip));
  }
}

async function take(limiter: RateLimiterPostgres, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    throw new TooManyAttempts(Math.max(1, Math.ceil(refused.msBeforeNext / 1000)));
  }
}

/** Emails are long and private: the table of counters holds only a digest. */
function keyOf(account: string, ip: string): string {
  return createHash('sha256')
    .update(`${account}\n${networkOf(ip)}`)
    .digest('base64url');
}

/** One customer of an IPv6 network has 2^64 addresses: they count as one. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip;
  const [head, tail] = ip.split('%')[0].split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros: string[] = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}
