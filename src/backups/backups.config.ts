import { integer, names, oneOf, type Parse, Setting } from '../config/setting';

const KEY = /^[0-9a-f]{64}$/i;

/** 32 bytes as 64 hexadecimal digits. */
const key: Parse<Buffer> = (text) => {
  if (!KEY.test(text)) throw new Error('must be 64 hexadecimal digits, such as "openssl rand -hex 32" prints');
  return Buffer.from(text, 'hex');
};
const keys: Parse<Buffer[]> = (text) => names()(text).map(key);

export class BackupsConfig {
  @Setting(
    'BACKUP_MASTER_KEY',
    key,
    'protects the keys of backups; 64 hexadecimal digits. Without it backups cannot be read: keep a copy elsewhere',
    'made at the first start, in DATA_DIR/backup-master.key',
  )
  readonly masterKey?: Buffer = undefined;

  @Setting(
    'BACKUP_OLD_MASTER_KEYS',
    keys,
    'earlier master keys, joined by commas. The next start puts the new one in their place; then they can go',
  )
  readonly oldMasterKeys: Buffer[] = [];

  @Setting('BACKUP_SWEEP_SECONDS', integer({ min: 1 }), 'seconds between two looks for stored bytes of no backup')
  readonly sweepSeconds: number = 600;

  @Setting(
    'BACKUP_RETENTION_CHECK_SECONDS',
    integer({ min: 1 }),
    'seconds between two looks for backups whose time is over',
  )
  readonly retentionSeconds: number = 600;

  @Setting(
    'BACKUP_SCHEDULE_SECONDS',
    integer({ min: 1 }),
    'seconds between two looks for scheduled backups that are due',
  )
  readonly scheduleSeconds: number = 10;

  @Setting(
    'BACKUP_KEEP_LAST',
    oneOf('true', 'false'),
    'true: the newest proven backup of a graph stays, however old, until there is a newer one or the graph is deleted',
  )
  readonly keepLastSetting: 'true' | 'false' = 'true';

  @Setting(
    'BACKUP_EXPORT_ROWS',
    integer({ min: 1 }),
    'rows of an export that the engine answers with at once; they are in the memory of its process',
  )
  readonly exportRows: number = 250_000;

  get keepLast(): boolean {
    return this.keepLastSetting === 'true';
  }
}
