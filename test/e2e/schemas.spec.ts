import { Client } from '../support/client';
import { Platform } from '../support/platform';

const key = { name: 'id', type: 'INT64', is_primary_key: true };

describe('schemas', () => {
  let remove: () => Promise<void>;
  let platform: Platform;
  let client: Client;

  beforeAll(async () => {
    const made = await Platform.newDataDir();
    remove = made.remove;
    platform = await Platform.start(made.dataDir);
    client = new Client(platform.url, platform.credentials.api_key);
  }, 90_000);
  afterAll(async () => {
    await platform.stop();
    await remove();
  });

  it('hold every type of value from a file to an answer, and fill in what rows leave out', async () => {
    const values: [string, string, string][] = [
      ['amount', 'DECIMAL(10, 2)', '12345678.90'],
      ['huge', 'INT128', '170141183460469231731687303715884105727'],
      ['tags', 'STRING[]', '["a,b", null]'],
      ['embedding', 'FLOAT[3]', '[1, 2.5, -3]'],
      ['address', 'STRUCT(street STRING, numbers INT64[])', '{"street": "High", "numbers": [1, 2]}'],
      ['scores', 'MAP(STRING, INT64)', '{"x": 1}'],
      ['bytes', 'BLOB', 'AP8='],
      ['span', 'INTERVAL', '1 year 2 days'],
      ['moment', 'TIMESTAMP_TZ', '2020-01-01 00:00:00+02'],
    ];
    const filled = [
      { name: 'kind', type: 'STRING', default: "it's" },
      { name: 'day', type: 'DATE', default: '2020-02-29', required: true },
      { name: 'price', type: 'DECIMAL(6, 2)', default: 1.25 },
    ];
    const properties = [key, ...values.map(([name, type]) => ({ name, type })), ...filled];
    const graphId = await client.createGraph({ name: 'types', nodes: [{ name: 'Thing', properties }] });
    const row = values.map(([, , value]) => `"${value.replaceAll('"', '""')}"`).join(',');
    const csv = `id,${values.map(([name]) => name).join(',')},kind\n1,${row},\n2${','.repeat(values.length)},mine\n`;
    expect((await client.stage(graphId, 'Thing', 'things.csv', csv)).status).toBe(200);
    await client.result(
      await client.expect(200, 'POST', `/v1/graphs/${graphId}/materialize`, { ignore_errors: false }),
    );

    const texts = ['amount', 'huge', 'bytes', 'span', 'moment', 'price', 'day'].map(
      (name) => `cast(t.${name} AS STRING) AS ${name}`,
    );
    const answer = await client.query(
      graphId,
      `MATCH (t:Thing) RETURN t.id AS id, ${texts.join(', ')}, t.tags AS tags, t.embedding AS embedding,
       t.address.numbers[2] AS second, element_at(t.scores, 'x')[1] AS x, t.kind AS kind ORDER BY id`,
    );
    expect(answer).toEqual([
      {
        id: 1,
        amount: '12345678.90',
        huge: '170141183460469231731687303715884105727',
        bytes: '\\x00\\xFF',
        span: '1 year 2 days',
        moment: '2019-12-31 22:00:00+00',
        price: '1.25',
        day: '2020-02-29',
        tags: ['a,b', null],
        embedding: [1, 2.5, -3],
        second: 2,
        x: 1,
        kind: "it's",
      },
      expect.objectContaining({ id: 2, kind: 'mine', price: '1.25', day: '2020-02-29', tags: null, amount: null }),
    ]);
  });
});
