import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { Transactor } from '../database/transactor';
import { OrgsService } from '../orgs/orgs.service';
import { SCOPES } from './actor';
import { ApiKeysService } from './api-keys.service';
import { PasswordHasher } from './password-hasher';
import { UsersService } from './users.service';

export interface OwnerCredentials {
  email: string;
  password: string;
  apiKey: string;
}

const EMAIL = 'owner@graphstead.local';
/** Any number that no other advisory lock of this database uses. */
const BOOTSTRAP_LOCK = 7_283_412;

/** Gives a new installation its first user, so that somebody can come in. */
@Injectable()
export class BootstrapOwner {
  constructor(
    private readonly transactor: Transactor,
    private readonly audit: AuditService,
    private readonly users: UsersService,
    private readonly orgs: OrgsService,
    private readonly apiKeys: ApiKeysService,
    private readonly hasher: PasswordHasher,
  ) {}

  /**
   * On a database without users: makes an owner, who is also the first operator, a team organisation and an API key with all scopes, and returns the
   * credentials, which cannot be read again. Otherwise, and in all but one of several processes that start at once, null.
   * `keep` runs before the commit, so that no crash can leave an owner whose credentials nobody has.
   */
  async ensure(keep?: (owner: OwnerCredentials) => Promise<void>): Promise<OwnerCredentials | null> {
    return this.transactor.run(async (em) => {
      await em.query(`select pg_advisory_xact_lock($1)`, [BOOTSTRAP_LOCK]);
      const anybody: unknown[] = await em.query(`select from app_user limit 1`);
      if (anybody.length > 0) return null;
      const password = randomBytes(18).toString('base64url');
      const passwordHash = await this.hasher.hash(password);
      const user = await this.users.insert(em, { email: EMAIL, name: 'Owner', passwordHash, isOperator: true });
      const org = await this.orgs.insert(em, { name: 'Graphstead', orgType: 'team', ownerId: user.id });
      const key = await this.apiKeys.insert(em, user.id, { name: 'First key', scopes: [...SCOPES] });
      await this.audit.record(em, { actor: null, action: 'owner.created', target: user.id, orgId: org.id });
      const owner = { email: EMAIL, password, apiKey: key.secret };
      await keep?.(owner);
      return owner;
    });
  }
}
