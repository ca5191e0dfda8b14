"""What is refused comes as the contract's error models, with words that help."""

import pytest
from robosystems_client import models
from robosystems_client.api.auth import get_current_auth_user, login_user
from robosystems_client.api.files import create_file_upload, get_file, update_file
from robosystems_client.api.graph_info import get_database_info
from robosystems_client.api.graphs import create_graph
from robosystems_client.api.materialize import get_materialization_status, materialize_graph
from robosystems_client.api.operations import get_operation_status
from robosystems_client.api.query import execute_cypher_query
from robosystems_client.api.user import create_user_api_key
from robosystems_client.client import AuthenticatedClient
from support import PEOPLE, create_graph_of, ok, request_of, write_file

NO_GRAPH = 'kg00000000000000000000'
NO_FILE = '00000000-0000-4000-8000-000000000000'


def error(response, status):
    """The contract's error document, whole."""
    document = ok(response, models.ErrorResponse, status)
    assert document.code and document.request_id and document.timestamp, document
    return document


def test_without_a_credential_nothing_is_shown(credentials, stranger):
    assert get_database_info.sync_detailed(NO_GRAPH, client=stranger).status_code == 401
    bad = AuthenticatedClient(base_url=credentials.url, token='wrong', prefix='', auth_header_name='X-API-Key')
    error(get_current_auth_user.sync_detailed(client=bad), 401)
    login = models.LoginRequest(email='nobody@example.org', password='Wrong-horse-battery-7')
    error(login_user.sync_detailed(client=stranger, body=login), 401)


def test_what_is_not_there_is_not_found(client, people):
    # The contract has no model for the 404 of this route.
    assert get_database_info.sync_detailed(NO_GRAPH, client=client).status_code == 404
    error(get_materialization_status.sync_detailed(NO_GRAPH, client=client), 404)
    error(materialize_graph.sync_detailed(NO_GRAPH, client=client, body=models.MaterializeRequest()), 404)
    error(get_file.sync_detailed(people.graph_id, NO_FILE, client=client), 404)
    assert get_operation_status.sync_detailed('op_01ARZ3NDEKTSV4RRFFQ69G5FAV', client=client).status_code == 404
    unknown_table = models.FileUploadRequest(file_name='a.csv', table_name='Nobody', content_type='text/csv')
    error(create_file_upload.sync_detailed(people.graph_id, client=client, body=unknown_table), 404)


def test_invalid_fields_are_named(client, people):
    body = models.CreateAPIKeyRequest(name='')
    refused = ok(create_user_api_key.sync_detailed(client=client, body=body), models.HTTPValidationError, 422)
    assert refused.detail[0].loc == ['body', 'name']
    assert refused.detail[0].msg and refused.detail[0].type_

    empty = models.CypherQueryRequest(query='')
    refused = execute_cypher_query.sync_detailed(people.graph_id, client=client, body=empty)
    assert ok(refused, models.HTTPValidationError, 422).detail[0].loc == ['body', 'query']


def test_a_bad_schema_is_explained_field_by_field(client):
    schema = {'name': 'bad', 'nodes': [{'name': 'A', 'properties': [{'name': 'id', 'type': 'NUMBER'}]}]}
    response = create_graph.sync_detailed(client=client, body=request_of(schema))
    refused = ok(response, models.HTTPValidationError, 422)
    assert any('type' in entry.loc for entry in refused.detail), refused.detail


def test_a_malformed_file_is_refused_and_says_why(client, extensions, directory, people):
    broken = write_file(directory, 'broken.parquet', b'PAR1 this is no parquet file PAR1')
    upload = extensions.files.upload(people.graph_id, 'Person', broken)
    assert upload.success is False
    response = update_file.sync_detailed(
        people.graph_id, upload.file_id, client=client, body=models.FileStatusUpdate(status='uploaded')
    )
    assert error(response, 400).code == 'file_malformed'
    assert extensions.files.get(people.graph_id, upload.file_id).upload_status == 'failed'
    assert extensions.files.delete(people.graph_id, upload.file_id) is True


def test_a_graph_without_files_is_not_materialized(client, extensions):
    graph_id = create_graph_of(client, extensions, PEOPLE, 'empty')
    result = extensions.materialization.materialize(graph_id)
    assert (result.success, result.status) == (False, 'failed')
    assert result.error and 'Operation' not in result.error


@pytest.mark.parametrize(
    ('statement', 'parameters', 'status'),
    [
        ('MATCH (p:Person RETURN p', {}, 400),
        ('MATCH (p:Person {id: $id}) RETURN p', {}, 400),
        ("LOAD FROM '/etc/passwd' RETURN *", {}, 403),
        ('MATCH (p:Person) DELETE p', {}, 403),
    ],
)
def test_refused_statements_say_why(extensions, people, statement, parameters, status):
    with pytest.raises(Exception, match=rf'Query failed \({status}\): \S+') as refused:
        extensions.execute_query(people.graph_id, statement, parameters)
    assert '/' not in str(refused.value).partition(': ')[2].replace("'/etc/passwd'", '')
