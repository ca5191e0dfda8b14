import { readFile, rename, writeFile } from 'node:fs/promises';
import type { OwnerCredentials } from './bootstrap-owner';

interface Content {
  url: string;
  email: string;
  password: string;
  api_key: string;
}

/** The file that keeps what the first start shows once. Only its user can read it; it appears whole or not at all. */
export class CredentialsFile {
  constructor(readonly path: string) {}

  async write({ email, password, apiKey }: OwnerCredentials): Promise<void> {
    await this.replace({ url: '', email, password, api_key: apiKey });
  }

  /** Tells programs on this machine where the platform listens now. Does nothing where the file was removed. */
  async updateUrl(url: string): Promise<void> {
    const content = await this.read();
    if (content !== null && content.url !== url) await this.replace({ ...content, url });
  }

  private async read(): Promise<Content | null> {
    try {
      return JSON.parse(await readFile(this.path, 'utf8')) as Content;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  private async replace(content: Content): Promise<void> {
    const fresh = `${this.path}.new`;
    await writeFile(fresh, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    await rename(fresh, this.path);
  }
}
