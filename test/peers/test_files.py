"""Files, staging tables and materializations, through the extension clients and the generated functions."""

from pathlib import Path

import httpx
from robosystems_client import models
from robosystems_client.api.files import create_file_upload, delete_file, get_file, list_files, update_file
from robosystems_client.api.materialize import get_materialization_status, materialize_graph
from robosystems_client.api.tables import list_tables
from robosystems_client.extensions.materialization_client import MaterializationOptions
from support import KNOWS, PEOPLE, PERSONS, create_graph_of, ok, write_file

FIXTURES = Path(__file__).parent / 'fixtures'


def test_a_file_is_announced_sent_and_staged_step_by_step(client, extensions):
    graph_id = create_graph_of(client, extensions, PEOPLE, 'steps')
    body = models.FileUploadRequest(file_name='people.csv', table_name='Person', content_type='text/csv')
    announced = ok(create_file_upload.sync_detailed(graph_id, client=client, body=body), models.FileUploadResponse)
    sent = httpx.put(announced.upload_url, content=PERSONS, headers={'Content-Type': 'text/csv'}, timeout=30)
    assert sent.status_code in (200, 204)
    update = models.FileStatusUpdate(status='uploaded')
    staged = update_file.sync_detailed(graph_id, announced.file_id, client=client, body=update)
    assert ok(staged, models.UpdateFileResponseUpdatefile)['row_count'] == 3
    gone = delete_file.sync_detailed(graph_id, announced.file_id, client=client, cascade=True)
    assert ok(gone, models.DeleteFileResponse).tables_affected == ['Person']


def test_uploads_tell_their_files_and_sizes(people):
    assert [upload.file_size for upload in people.uploads.values()] == [len(PERSONS), len(KNOWS)]
    assert all(upload.file_id for upload in people.uploads.values())


def test_tables_and_files_are_listed(client, extensions, people):
    tables = ok(list_tables.sync_detailed(people.graph_id, client=client), models.TableListResponse).tables
    assert {table.table_name: (table.row_count, table.file_count) for table in tables} == {
        'Person': (3, 1),
        'KNOWS': (2, 1),
    }
    files = ok(list_files.sync_detailed(people.graph_id, client=client), models.ListTableFilesResponse)
    assert files.total_files == 2
    listed = extensions.files.list(people.graph_id, table_name='Person', status='uploaded')
    assert [(file.file_name, file.row_count, file.file_format) for file in listed] == [('person.csv', 3, 'csv')]

    file_id = people.uploads['Person'].file_id
    file = ok(get_file.sync_detailed(people.graph_id, file_id, client=client), models.GetFileInfoResponse)
    assert file.layers.graph.status == 'ingested'
    assert extensions.files.get(people.graph_id, file_id).table_name == 'Person'


def test_materializing_tells_what_was_loaded(people):
    assert people.loaded.status == 'success'
    assert people.loaded.total_rows == 5
    assert sorted(people.loaded.tables_materialized) == ['KNOWS', 'Person']
    assert people.loaded.was_stale is True
    assert people.loaded.execution_time_ms > 0


def test_materialization_status_follows_the_files(client, extensions, directory):
    graph_id = create_graph_of(client, extensions, PEOPLE, 'stale')
    first = extensions.files.upload(graph_id, 'Person', write_file(directory, 'first.csv', 'id,name\n1,Ada\n'))
    second = extensions.files.upload(graph_id, 'Person', write_file(directory, 'second.csv', 'id,name\n2,Grace\n'))
    assert extensions.materialization.status(graph_id).is_stale is True

    started = materialize_graph.sync_detailed(graph_id, client=client, body=models.MaterializeRequest())
    operation_id = ok(started, models.MaterializeResponse).operation_id
    assert extensions.monitor_operation(operation_id).status.value == 'completed'
    status = ok(
        get_materialization_status.sync_detailed(graph_id, client=client), models.MaterializeStatusResponse
    )
    assert (status.is_stale, status.materialization_count) == (False, 1)

    said = []
    again = extensions.materialization.materialize(graph_id, MaterializationOptions(on_progress=said.append))
    assert (again.success, again.was_stale, again.total_rows) == (True, False, 0), again
    assert said[-1].startswith('✅ Materialization complete')

    assert extensions.files.delete(graph_id, second.file_id, cascade=True) is True
    assert extensions.files.get(graph_id, second.file_id) is None
    assert [file.file_id for file in extensions.files.list(graph_id)] == [first.file_id]
    assert extensions.materialization.status(graph_id).is_stale is True
    rebuilt = extensions.materialization.materialize(graph_id, MaterializationOptions(rebuild=True, force=True))
    assert (rebuilt.success, rebuilt.was_stale, rebuilt.total_rows) == (True, True, 1), rebuilt
    count = extensions.execute_query(graph_id, 'MATCH (p:Person) RETURN count(p) AS n')
    assert count.data == [{'n': 1}]


def test_a_parquet_file_is_uploaded_and_queried(client, extensions):
    flights = {
        'name': 'flights',
        'nodes': [
            {
                'name': 'Flight',
                'properties': [
                    {'name': 'id', 'type': 'INT64', 'is_primary_key': True},
                    {'name': 'label', 'type': 'STRING'},
                ],
            }
        ],
    }
    graph_id = create_graph_of(client, extensions, flights, 'parquet')
    upload = extensions.files.upload(graph_id, 'Flight', FIXTURES / 'rows.parquet')
    assert upload.success, upload.error
    assert extensions.files.get(graph_id, upload.file_id).row_count == 3
    assert extensions.materialization.materialize(graph_id).total_rows == 3
    rows = extensions.execute_query(graph_id, 'MATCH (f:Flight) RETURN f.id AS id, f.label AS label ORDER BY id')
    assert rows.data == [{'id': 1, 'label': 'one'}, {'id': 2, 'label': 'two'}, {'id': 3, 'label': 'three'}]
