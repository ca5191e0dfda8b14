import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PEOPLE } from '../support/people';
import type { Chance } from './seed';

const AGAIN_MS = 200;
const PATIENCE_MS = 120_000;
/** What a request may be answered while the platform starts or stops. */
const COMES_AGAIN = new Set([429, 502, 503]);

interface Operation {
  operation_id: string;
  graph_id: string;
  status: string;
  result: Record<string, unknown>;
}

interface Kept {
  id: string;
  people: Set<number>;
}

/**
 * Somebody who uses one graph as its documentation says, and knows what must be in it. Every request carries an
 * `Idempotency-Key` and is sent until it is answered, whatever becomes of the platform meanwhile.
 */
export class GraphUser {
  /** Of each person in the graph the key; the last ones are live, those before them can be rolled back to. */
  private versions: Set<number>[] = [new Set()];
  /** Everybody who is in a staged file. */
  private readonly staged = new Set<number>();
  private readonly backups: Kept[] = [];
  /** What was done, with how many people were there then. */
  private readonly history: string[] = [];
  private nextPerson = 1;
  private forks = 0;
  private graphId = '';

  constructor(
    private readonly url: string,
    private readonly apiKey: string,
    private readonly chance: Chance,
  ) {}

  async create(): Promise<void> {
    const body = { metadata: { graph_name: 'mixed use' }, custom_schema: PEOPLE };
    this.graphId = (await this.run('POST', '/v1/graphs', body)).graph_id;
  }

  /** One thing that users do, and a look at what it has made of the graph. */
  async act(): Promise<void> {
    const acts = [this.addRows, this.addRows, this.loadFile, this.loadFile, this.backUp, this.restore, this.takeBack];
    const act = this.chance.sample([...acts, this.fork], 1)[0];
    await act.call(this);
    this.history.push(`${act.name}: ${this.live.size}`);
    await this.check();
  }

  /** Throws where the graph does not hold exactly whom it must. */
  async check(graphId = this.graphId): Promise<void> {
    const answer = (await this.send<{ data: { id: number }[] }>('POST', `/v1/graphs/${graphId}/query`, {
      query: 'MATCH (p:Person) RETURN p.id AS id ORDER BY id',
    }))!;
    const [found, expected] = [answer.data.map(({ id }) => id).join(), [...this.live].sort((a, b) => a - b).join()];
    if (found !== expected)
      throw new Error(`${graphId} holds ${found} instead of ${expected} after ${this.history.slice(-12).join(', ')}`);
  }

  private get live(): Set<number> {
    return this.versions.at(-1)!;
  }

  private somePeople(count: number): number[] {
    return Array.from({ length: count }, () => this.nextPerson++);
  }

  private async addRows(): Promise<void> {
    const people = this.somePeople(this.chance.between(1, 5));
    const nodes = people.map((id) => ({ label: 'Person', properties: { id, name: `Person ${id}` } }));
    await this.run('POST', `/v1/graphs/${this.graphId}/rows`, { nodes, relationships: [] });
    people.forEach((id) => this.staged.add(id));
    this.versions.push(new Set([...this.live, ...people]));
  }

  private async loadFile(): Promise<void> {
    const people = this.somePeople(this.chance.between(20, 60));
    const csv = `id,name\n${people.map((id) => `${id},Person ${id}\n`).join('')}`;
    const files = `/v1/graphs/${this.graphId}/files`;
    const file = await this.announce(files, `people-${people[0]}.csv`);
    await this.untilAnswered(() =>
      fetch(file.upload_url, { method: 'PUT', body: csv, headers: { 'content-type': 'text/csv' } }),
    );
    await this.run('PATCH', `${files}/${file.file_id}`, { status: 'uploaded' });
    people.forEach((id) => this.staged.add(id));
    await this.run('POST', `/v1/graphs/${this.graphId}/materialize`, {});
    this.versions.push(new Set(this.staged));
  }

  private async announce(files: string, fileName: string): Promise<{ file_id: string; upload_url: string }> {
    const body = { file_name: fileName, table_name: 'Person', content_type: 'text/csv' };
    const file = await this.send<{ file_id: string; upload_url: string }>('POST', files, body);
    // One whose answer was lost is never sent, and given up in time.
    return file ?? (await this.announce(files, fileName));
  }

  private async backUp(): Promise<void> {
    const people = new Set(this.live);
    const { result } = await this.run('POST', `/v1/graphs/${this.graphId}/backups`, {});
    this.backups.push({ id: result.backup_id as string, people });
  }

  private async restore(): Promise<void> {
    const [backup] = this.chance.sample(this.backups, 1);
    if (backup === undefined) return this.backUp();
    const path = `/v1/graphs/${this.graphId}/backups/${backup.id}/restore`;
    await this.run('POST', path, { create_system_backup: false });
    this.versions.push(new Set(backup.people));
  }

  private async takeBack(): Promise<void> {
    if (this.versions.length < 3) return this.addRows();
    // Where the answer was lost, it says that it was done.
    await this.send('POST', `/v1/graphs/${this.graphId}/rollback`, {});
    this.versions.pop();
  }

  private async fork(): Promise<void> {
    const name = `fork${++this.forks}`;
    const body = { name, display_name: name, fork_parent: true };
    await this.run('POST', `/v1/graphs/${this.graphId}/subgraphs`, body);
    await this.check(`${this.graphId}_${name}`);
    const remove = { force: true, backup_first: false };
    await this.run('DELETE', `/v1/graphs/${this.graphId}/subgraphs/${name}`, remove);
  }

  /** Sends a request and waits for the end of the operation that it begins, which must be a good one. */
  private async run(method: string, path: string, body: object): Promise<Operation> {
    const begun = await this.send<Operation>(method, path, body);
    if (begun === null) throw new Error(`${method} ${path}: the answer was lost, and with it the operation`);
    const deadline = Date.now() + PATIENCE_MS;
    for (let operation = begun; ;) {
      if (!operation.operation_id || operation.status === 'completed')
        return { ...operation, graph_id: begun.graph_id };
      if (operation.status === 'failed' || operation.status === 'cancelled' || Date.now() > deadline)
        throw new Error(`${method} ${path}: ${JSON.stringify(operation)}`);
      await delay(AGAIN_MS);
      operation = (await this.send<Operation>('GET', `/v1/operations/${operation.operation_id}/status`))!;
    }
  }

  /** The answer; null where the request was carried out and its answer lost. Throws what was refused. */
  private async send<T>(method: string, path: string, body?: object): Promise<T | null> {
    const headers: Record<string, string> = { 'x-api-key': this.apiKey, 'idempotency-key': randomUUID() };
    if (body) headers['content-type'] = 'application/json';
    const { status, text } = await this.untilAnswered(() =>
      fetch(new URL(path, this.url), { method, headers, body: body && JSON.stringify(body) }),
    );
    if (text.includes('idempotency_outcome_unknown')) return null;
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  private async untilAnswered(ask: () => Promise<Response>): Promise<{ status: number; text: string }> {
    for (const deadline = Date.now() + PATIENCE_MS; ; await delay(AGAIN_MS)) {
      try {
        const response = await ask();
        const answer = { status: response.status, text: await response.text() };
        const again = COMES_AGAIN.has(answer.status) || answer.text.includes('idempotency_in_progress');
        if (!again || Date.now() > deadline) return answer;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }
}
