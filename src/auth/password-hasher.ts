import { Injectable, type OnModuleInit } from '@nestjs/common';
import { hash, type Options, parseOptions, verify } from '@node-rs/argon2';
import { AuthConfig } from './auth.config';

/** Hashes passwords with argon2id, on libuv's thread pool, so that requests go on meanwhile. */
@Injectable()
export class PasswordHasher implements OnModuleInit {
  private readonly options: Options;
  /** A hash of nothing that anybody knows, to spend the same time on unknown emails. */
  private decoy: string;

  constructor(config: AuthConfig) {
    this.options = { memoryCost: config.hashMemoryKib, timeCost: config.hashPasses, parallelism: 1 };
  }

  async onModuleInit(): Promise<void> {
    this.decoy = await this.hash('decoy');
  }

  hash(password: string): Promise<string> {
    return hash(password.normalize('NFKC'), this.options);
  }

  /** Takes as long for `null` (no such user) as for a wrong password. */
  async verify(stored: string | null, password: string): Promise<boolean> {
    const matches = await verify(stored ?? this.decoy, password.normalize('NFKC'));
    return stored !== null && matches;
  }

  /** Whether a hash was made with other parameters than today's. */
  isOutdated(stored: string): boolean {
    const { memoryCost, timeCost } = parseOptions(stored);
    return memoryCost !== this.options.memoryCost || timeCost !== this.options.timeCost;
  }
}
