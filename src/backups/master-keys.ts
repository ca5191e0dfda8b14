import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { PlatformConfig } from '../config/platform.config';
import { BackupsConfig } from './backups.config';
import { BackupKeyMissing } from './backups.errors';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FILE = 'backup-master.key';

export interface WrappedKey {
  wrapped: Buffer;
  /** Names the master key; says nothing of it. */
  masterKey: string;
}

/** The keys of this installation that data keys are wrapped with: the present one, and those of before. */
@Injectable()
export class MasterKeys {
  private readonly logger = new Logger(MasterKeys.name);
  private known?: Promise<Map<string, Buffer>>;

  constructor(
    private readonly config: BackupsConfig,
    private readonly platform: PlatformConfig,
  ) {}

  /** The name of the present one. */
  async current(): Promise<string> {
    return [...(await this.all()).keys()][0];
  }

  /** `owner` is authenticated with the key, so that one owner's cannot be given to another. */
  async wrap(dataKey: Buffer, owner: string): Promise<WrappedKey> {
    const [[masterKey, key]] = await this.all();
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner));
    const wrapped = Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
    return { wrapped, masterKey };
  }

  /** Throws {@link BackupKeyMissing}. */
  async unwrap({ wrapped, masterKey }: WrappedKey, owner: string): Promise<Buffer> {
    const key = (await this.all()).get(masterKey);
    if (key === undefined) throw new BackupKeyMissing();
    const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(owner))
      .setAuthTag(wrapped.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  }

  /** The present one first. */
  private all(): Promise<Map<string, Buffer>> {
    this.known ??= this.load();
    return this.known;
  }

  private async load(): Promise<Map<string, Buffer>> {
    const { masterKey, oldMasterKeys } = this.config;
    const path = this.platform.path(FILE);
    // A file from before the setting was there counts as an old key.
    const own = masterKey === undefined ? await this.ownKey(path) : await readFile(path, 'utf8').catch(noneIfAbsent);
    const keys = [masterKey, own === undefined ? own : parse(own, path), ...oldMasterKeys];
    return new Map(keys.filter((key) => key !== undefined).map((key) => [nameOf(key), key]));
  }

  /** Several processes that start at once take the same one: whose file gets the name first. */
  private async ownKey(path: string): Promise<string> {
    const found = await readFile(path, 'utf8').catch(noneIfAbsent);
    if (found !== undefined) return found;
    await mkdir(dirname(path), { recursive: true });
    const mine = `${path}.${process.pid}`;
    await writeFile(mine, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true });
    await link(mine, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await unlink(mine);
    this.logger.log(`Backups are encrypted under the key in ${path}: keep a copy of it elsewhere`);
    return readFile(path, 'utf8');
  }
}

function nameOf(key: Buffer): string {
  return createHash('sha256').update('graphstead master key').update(key).digest('hex').slice(0, 16);
}

function parse(text: string, path: string): Buffer {
  const key = Buffer.from(text.trim(), 'hex');
  if (key.length !== 32) throw new Error(`${path} does not hold 64 hexadecimal digits`);
  return key;
}

function noneIfAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
