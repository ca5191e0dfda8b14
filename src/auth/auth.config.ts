import { integer, oneOf, Setting } from '../config/setting';

/** Who may come in, for how long, and how dear a guess is. */
export class AuthConfig {
  @Setting('REGISTRATION', oneOf('open', 'closed'), 'whether strangers may register an account')
  readonly registration: 'open' | 'closed' = 'open';

  @Setting('SESSION_MINUTES', integer({ min: 1, max: 1440 }), 'life of a session token')
  readonly sessionMinutes: number = 30;

  @Setting(
    'SESSION_REFRESH_GRACE_MINUTES',
    integer({ min: 0, max: 1440 }),
    'time after its end in which a token can still be exchanged for a new one',
  )
  readonly refreshGraceMinutes: number = 5;

  @Setting(
    'SESSION_MAX_DAYS',
    integer({ min: 1, max: 365 }),
    'time after which even a refreshed login must be repeated',
  )
  readonly sessionMaxDays: number = 30;

  @Setting('PASSWORD_HASH_MEMORY_KIB', integer({ min: 8, max: 1_048_576 }), 'memory of one argon2id computation')
  readonly hashMemoryKib: number = 19_456;

  @Setting('PASSWORD_HASH_PASSES', integer({ min: 1, max: 20 }), 'passes of one argon2id computation')
  readonly hashPasses: number = 2;

  @Setting('LOGIN_ATTEMPTS', integer({ min: 1, max: 1000 }), 'failed logins for one email from one address in a window')
  readonly loginAttempts: number = 5;

  @Setting('LOGIN_ATTEMPTS_PER_IP', integer({ min: 1, max: 100_000 }), 'failed logins from one address in a window')
  readonly loginAttemptsPerIp: number = 50;

  @Setting('LOGIN_WINDOW_SECONDS', integer({ min: 1, max: 86_400 }), 'length of the window that counts failed logins')
  readonly loginWindowSeconds: number = 300;

  @Setting('REGISTRATIONS_PER_IP', integer({ min: 1, max: 100_000 }), 'registrations from one address in an hour')
  readonly registrationsPerIp: number = 30;

  @Setting('API_KEYS_PER_USER', integer({ min: 1, max: 10_000 }), 'active API keys that one user may have')
  readonly apiKeysPerUser: number = 100;

  @Setting(
    'ACCESS_CACHE_SECONDS',
    integer({ min: 0, max: 60 }),
    'time for which checked rights are remembered; changes are heard at once, this bounds what a lost message can do',
  )
  readonly accessCacheSeconds: number = 5;
}
