import { Readable } from 'node:stream';
import { ApiApp, type ApiUser } from '../../test/support/api-app';
import { type TestDatabase, testDatabase } from '../../test/support/database';
import { PEOPLE } from '../../test/support/people';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { ObjectStore } from '../storage/object-store';
import { AbandonedUploadsSensor } from './abandoned-uploads.sensor';
import { StagedPartsSensor } from './staged-parts.sensor';
import { batchKey } from './staged-parts';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const BATCH = '00000000-0000-4000-8000-000000000001';

/** What nobody comes back for: files that were announced and never sent, and bytes that a killed process has left. */
describe('abandoned uploads', () => {
  let database: TestDatabase;
  let api: ApiApp;
  let user: ApiUser;
  let graphId: string;

  beforeAll(async () => {
    database = await testDatabase();
    api = await ApiApp.start(database.url);
    user = await api.user();
    const made = await api.call('POST /v1/graphs', user, { metadata: { graph_name: 'people' }, custom_schema: PEOPLE });
    graphId = made.json<{ graph_id: string }>().graph_id;
    await api.sql('delete from operation_lock where resource = $1', [`graph:${graphId}`]);
    await api.sql(`update operation set status = 'completed' where graph_id = $1`, [graphId]);
    await api.sql(`update graph set status = 'active' where id = $1`, [graphId]);
  }, 60_000);
  afterEach(() => void jest.restoreAllMocks());
  afterAll(async () => {
    await api?.stop();
    await database?.drop();
  });

  const announce = async (): Promise<string> => {
    const body = { file_name: 'a.csv', table_name: 'Person', content_type: 'text/csv' };
    const answer = await api.call(`POST /v1/graphs/${graphId}/files`, user, body);
    return answer.json<{ file_id: string }>().file_id;
  };
  const objects = (): ObjectStore => api.get(ObjectStore);
  const put = (key: string) => objects().put(key, Readable.from([Buffer.from('x')]));
  const uploadKey = (fileId: string, name = UNKNOWN) => `graphs/${graphId}/files/${fileId}/upload-${name}`;
  const isThere = async (key: string) => (await objects().head(key)) !== undefined;
  const isKnown = async (id: string) => (await api.sql('select 1 from staged_file where id = $1', [id])).length === 1;
  const hoursLater = (hours: number) => {
    const later = new Date(Date.now() + hours * 3_600_000);
    jest.spyOn(api.get(Clock), 'now').mockReturnValue(later);
  };

  it('are forgotten a day after their link has expired, with what a killed process left of them', async () => {
    const [never, sent, staged] = [await announce(), await announce(), await announce()];
    await put(uploadKey(never));
    await api.sql(`update staged_file set status = 'uploaded', upload_key = $2 where id = $1`, [sent, uploadKey(sent)]);
    await api.sql(`update staged_file set status = 'staged' where id = $1`, [staged]);
    const sensor = api.get(AbandonedUploadsSensor);
    hoursLater(24);
    await sensor.look();
    expect(await isKnown(never)).toBe(true);
    hoursLater(26);
    await Promise.all([sensor.look(), sensor.look()]);
    expect([await isKnown(never), await isKnown(sent), await isKnown(staged)]).toEqual([false, true, true]);
    expect(await isThere(uploadKey(never))).toBe(false);
    const events = await api.sql(`select action, org_id from audit_event where target = $1 order by id`, [never]);
    expect(events).toEqual([
      { action: 'file.created', org_id: user.orgId },
      { action: 'file.expired', org_id: user.orgId },
    ]);
  });

  it('leave a file alone whose bytes are being noted at this moment', async () => {
    const id = await announce();
    hoursLater(26);
    const sensor = api.get(AbandonedUploadsSensor);
    await api.get(Transactor).run(async (em) => {
      await em.query('select 1 from staged_file where id = $1 for update', [id]);
      await sensor.look();
    });
    expect(await isKnown(id)).toBe(true);
  });

  it('leave bytes and rows behind, which go when they are old and nothing names them', async () => {
    const file = await announce();
    await api.sql(`update staged_file set status = 'uploaded', upload_key = $2 where id = $1`, [file, uploadKey(file)]);
    const [used, replaced, ofNobody] = [
      uploadKey(file),
      uploadKey(file, UNKNOWN.replace('8', '9')),
      uploadKey(UNKNOWN),
    ];
    const [mayBeRetried, ofNoOperation] = [batchKey(graphId, BATCH), batchKey(graphId, UNKNOWN)];
    for (const key of [used, replaced, ofNobody, mayBeRetried, ofNoOperation]) await put(key);
    await api.sql(
      `insert into operation (id, type, status, org_id, user_id, graph_id, payload, max_attempts)
       values ('op_00000000000000000000000001', 'graph_rows', 'failed', $1, $2, $3, $4, 3)`,
      [user.orgId, user.id, graphId, JSON.stringify({ batchId: BATCH })],
    );
    const sensor = api.get(StagedPartsSensor);
    await sensor.look();
    expect(await isThere(ofNobody)).toBe(true);
    hoursLater(25);
    // While an operation of the graph runs, it may be writing them.
    await api.sql(`update operation set status = 'running' where id = 'op_00000000000000000000000001'`);
    await sensor.look();
    expect(await isThere(ofNobody)).toBe(true);
    await api.sql(`update operation set status = 'failed' where id = 'op_00000000000000000000000001'`);
    await sensor.look();
    const left = await Promise.all([used, replaced, ofNobody, mayBeRetried, ofNoOperation].map(isThere));
    expect(left).toEqual([true, false, false, true, false]);
  });
});
