import type { ApiClient, StartedOperation } from './api-client';
import { count, say, seconds } from './say';

interface Counts {
  airports: number;
  flights: number;
}

interface Table {
  files: { file_id: string }[];
}

const CALIFORNIA = { where: { Airport: "n.state = 'CA'" } };

/**
 * What can be tried and what can go wrong, with the graph that the demo has loaded: forks of all and of a part, one of which
 * is changed; a backup; a rebuild without the flights, which is restored; and rows that are wrong, which are taken back.
 * Throws where a step has not left the counts that it must.
 */
export class ForksAndBackups {
  constructor(
    private readonly api: ApiClient,
    private readonly graphId: string,
  ) {}

  async show(): Promise<void> {
    const loaded = await this.counts(this.graphId);
    say(`Trying things on forks of the graph (${shown(loaded)})`);
    await this.fork('whatif', 'forked as a whole', {}, loaded);
    await this.forkPart();
    await this.changeFork(loaded);
    say('Keeping it safe');
    const backup = await this.backUp();
    await this.breakIt(loaded);
    await this.restore(backup, loaded);
    await this.takeBack(loaded);
  }

  private async fork(name: string, what: string, metadata: object, expected?: Counts): Promise<Counts> {
    const begun = performance.now();
    const body = { name, display_name: name, fork_parent: true, metadata };
    const { graph_id: forkId } = await this.ended('POST', 'subgraphs', body);
    const found = await this.counts(forkId as string);
    say(`  ${what}: ${shown(found)}, ${seconds(begun)}`);
    if (expected) same(found, expected);
    return found;
  }

  private async forkPart(): Promise<void> {
    const query = `MATCH (a:Airport)-[f:FLIGHT]->(b:Airport) WHERE a.state = 'CA' AND b.state = 'CA' RETURN count(*) AS n`;
    const airports = `MATCH (a:Airport) WHERE a.state = 'CA' RETURN count(*) AS n`;
    const expected = {
      airports: await this.number(this.graphId, airports),
      flights: await this.number(this.graphId, query),
    };
    await this.fork('california', 'forked in part, the airports of California', { fork_options: CALIFORNIA }, expected);
  }

  private async changeFork(loaded: Counts): Promise<void> {
    const begun = performance.now();
    const forkId = `${this.graphId}_whatif`;
    const flight = { date: '2001-06-30T12:00:00Z', delay: 0, distance: 1 };
    await this.ended(
      'POST',
      'rows',
      {
        nodes: [
          { label: 'Airport', properties: { iata: 'WIF', name: 'What If Field', city: 'Springfield', state: 'CA' } },
        ],
        relationships: [{ type: 'FLIGHT', from: 'WIF', to: 'ORD', properties: flight }],
      },
      forkId,
    );
    const changed = await this.counts(forkId);
    same(changed, { airports: loaded.airports + 1, flights: loaded.flights + 1 });
    const parent = await this.counts(this.graphId);
    same(parent, loaded);
    say(`  changed the whole one: ${shown(changed)}; its parent as before: ${shown(parent)}, ${seconds(begun)}`);
  }

  private async backUp(): Promise<string> {
    const begun = performance.now();
    const { backup_id: id } = await this.ended('POST', 'backups', { labels: ['demo'] });
    const backup = await this.api.call<{ compressed_size_bytes: number }>('GET', this.path(`backups/${id as string}`));
    const megabytes = (backup.compressed_size_bytes / 1_048_576).toFixed(1);
    say(`  backed up, encrypted, read back and counted: ${megabytes} MB, ${seconds(begun)}`);
    return id as string;
  }

  private async breakIt(loaded: Counts): Promise<void> {
    const begun = performance.now();
    const { files } = await this.api.call<Table>('GET', this.path('files?table_name=FLIGHT'));
    for (const { file_id: id } of files) await this.api.call('DELETE', this.path(`files/${id}`));
    await this.ended('POST', 'materialize', { rebuild: true });
    const broken = await this.counts(this.graphId);
    same(broken, { ...loaded, flights: 0 });
    say(`  broken, rebuilt without the file of flights: ${shown(broken)}, ${seconds(begun)}`);
  }

  private async restore(backupId: string, loaded: Counts): Promise<void> {
    const begun = performance.now();
    await this.ended('POST', `backups/${backupId}/restore`, { create_system_backup: true });
    const restored = await this.counts(this.graphId);
    same(restored, loaded);
    say(`  restored, after a backup of what was live: ${shown(restored)}, ${seconds(begun)}`);
  }

  private async takeBack(loaded: Counts): Promise<void> {
    const nodes = ['QQ1', 'QQ2'].map((iata) => ({ label: 'Airport', properties: { iata, name: 'Nowhere' } }));
    await this.ended('POST', 'rows', { nodes, relationships: [] });
    const wrong = await this.counts(this.graphId);
    same(wrong, { ...loaded, airports: loaded.airports + 2 });
    const begun = performance.now();
    const { generation } = await this.api.call<{ generation: number }>('POST', this.path('rollback'), {});
    const took = performance.now() - begun;
    const back = await this.counts(this.graphId);
    same(back, loaded);
    say(
      `  two airports that are none: ${shown(wrong)}; rolled back to generation ${generation}: ${shown(back)}, ${took.toFixed(0)} ms`,
    );
  }

  private async ended(
    method: string,
    rest: string,
    body: object,
    graphId = this.graphId,
  ): Promise<Record<string, unknown>> {
    const started = await this.api.call<StartedOperation>(method, this.path(rest, graphId), body);
    return this.api.watch(started, () => undefined);
  }

  private async counts(graphId: string): Promise<Counts> {
    return {
      airports: await this.number(graphId, 'MATCH (a:Airport) RETURN count(*) AS n'),
      flights: await this.number(graphId, 'MATCH ()-[f:FLIGHT]->() RETURN count(*) AS n'),
    };
  }

  private async number(graphId: string, query: string): Promise<number> {
    const { data } = await this.api.call<{ data: { n: number }[] }>('POST', this.path('query', graphId), { query });
    return data[0].n;
  }

  private path(rest: string, graphId = this.graphId): string {
    return `/v1/graphs/${graphId}/${rest}`;
  }
}

function shown({ airports, flights }: Counts): string {
  return `${count(airports)} airports, ${count(flights)} flights`;
}

function same(found: Counts, expected: Counts): void {
  if (found.airports === expected.airports && found.flights === expected.flights) return;
  throw new Error(`There are ${shown(found)} and not ${shown(expected)}`);
}
