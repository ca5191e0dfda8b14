import { randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';
import { Transactor } from '../database/transactor';
import { BackupKeyMissing } from './backups.errors';
import { MasterKeys, type WrappedKey } from './master-keys';

/** The key of each organisation that its backups are encrypted with: random, and kept wrapped by a master key. */
@Injectable()
export class DataKeys implements OnApplicationBootstrap {
  private readonly logger = new Logger(DataKeys.name);

  constructor(
    private readonly transactor: Transactor,
    private readonly masters: MasterKeys,
    private readonly platform: PlatformConfig,
  ) {}

  /** After a change of the master key: backups themselves need not be touched. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.platform.has('sensors')) return;
    const rewrapped = await this.rewrap();
    if (rewrapped > 0) this.logger.log(`The data keys of ${rewrapped} organisations are under the new master key`);
  }

  /** The data key of an organisation, which is made where it has none. Throws {@link BackupKeyMissing}. */
  async of(orgId: string): Promise<Buffer> {
    const found = await this.find(orgId);
    if (found !== undefined) return this.masters.unwrap(found, orgId);
    const { wrapped, masterKey } = await this.masters.wrap(randomBytes(32), orgId);
    await this.transactor.em.query(
      'insert into org_data_key (org_id, wrapped, master_key) values ($1, $2, $3) on conflict do nothing',
      [orgId, wrapped, masterKey],
    );
    return this.masters.unwrap((await this.find(orgId))!, orgId);
  }

  /** Wraps with the present master key what an earlier one has wrapped; how many it were. */
  async rewrap(): Promise<number> {
    const current = await this.masters.current();
    const rows = await this.transactor.em.query<(WrappedKey & { orgId: string })[]>(
      'select org_id as "orgId", wrapped, master_key as "masterKey" from org_data_key where master_key <> $1',
      [current],
    );
    let done = 0;
    for (const { orgId, ...old } of rows) {
      try {
        const { wrapped, masterKey } = await this.masters.wrap(await this.masters.unwrap(old, orgId), orgId);
        const [, changed] = await this.transactor.em.query<[unknown, number]>(
          'update org_data_key set wrapped = $2, master_key = $3 where org_id = $1 and master_key = $4',
          [orgId, wrapped, masterKey, old.masterKey],
        );
        done += changed;
      } catch (error) {
        if (!(error instanceof BackupKeyMissing)) throw error;
        this.logger.error(`Organisation ${orgId}: ${error.message}`);
      }
    }
    return done;
  }

  private async find(orgId: string): Promise<WrappedKey | undefined> {
    const [row] = await this.transactor.em.query<WrappedKey[]>(
      'select wrapped, master_key as "masterKey" from org_data_key where org_id = $1',
      [orgId],
    );
    return row;
  }
}
