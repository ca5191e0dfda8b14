"""Graphs and the operations on them, through the graph client, the SSE client and the generated functions."""

from robosystems_client import models
from robosystems_client.api.graph_health import get_database_health
from robosystems_client.api.graph_info import get_database_info
from robosystems_client.api.graphs import create_graph, get_graphs, select_graph
from robosystems_client.api.materialize import materialize_graph
from robosystems_client.api.operations import cancel_operation, get_operation_status
from robosystems_client.api.schema import get_graph_schema
from robosystems_client.extensions import GraphMetadata
from robosystems_client.extensions.sse_client import SSEClient, SSEConfig
from support import PEOPLE, PERSONS, create_graph_of, ok, request_of, unique, write_file

# Rows that take seconds to load.
MANY = 400_000


def test_a_graph_is_made_and_awaited_by_the_graph_client(extensions, client):
    said = []
    graph_id = extensions.graphs.create_graph_and_wait(
        GraphMetadata(graph_name='bare', description='no schema', tags=['peers']), on_progress=said.append
    )
    # Had the event stream been unusable, the client would have said so and gone on by polling.
    assert 'SSE unavailable, using polling...' not in said
    assert said[-1] == f'Graph created: {graph_id}'
    assert ok(get_database_info.sync_detailed(graph_id, client=client), models.DatabaseInfoResponse).node_count == 0


def test_a_graph_is_awaited_by_polling_too(extensions):
    graph_id = extensions.graphs.create_graph_and_wait(
        GraphMetadata(graph_name='polled'), use_sse=False, poll_interval=1
    )
    assert graph_id.startswith('kg')


def test_graphs_are_listed_and_selected(client, people):
    ok(select_graph.sync_detailed(people.graph_id, client=client), models.SuccessResponse)
    graphs = ok(get_graphs.sync_detailed(client=client), models.UserGraphsResponse)
    assert graphs.selected_graph_id == people.graph_id
    assert [graph.graph_id for graph in graphs.graphs if graph.is_selected] == [people.graph_id]


def test_a_graph_tells_size_schema_and_health(client, people):
    info = ok(get_database_info.sync_detailed(people.graph_id, client=client), models.DatabaseInfoResponse)
    assert (info.node_count, info.relationship_count) == (3, 2)
    assert (info.node_labels, info.relationship_types) == (['Person'], ['KNOWS'])
    schema = ok(get_graph_schema.sync_detailed(people.graph_id, client=client), models.SchemaInfoResponse).schema
    assert [node['name'] for node in schema['nodes']] == ['Person']
    health = ok(get_database_health.sync_detailed(people.graph_id, client=client), models.DatabaseHealthResponse)
    assert health.status == 'healthy'


def test_a_running_operation_is_cancelled_and_changes_nothing(client, extensions, directory):
    graph_id = create_graph_of(client, extensions, PEOPLE, 'cancel')
    first = write_file(directory, 'first.csv', PERSONS)
    assert extensions.files.upload(graph_id, 'Person', first).success
    assert extensions.materialization.materialize(graph_id).total_rows == 3
    many = 'id,name\n' + ''.join(f'{n},somebody\n' for n in range(10, MANY))
    assert extensions.files.upload(graph_id, 'Person', write_file(directory, 'many.csv', many)).success

    start = {'client': client, 'body': models.MaterializeRequest()}
    operation_id = ok(
        materialize_graph.sync_detailed(graph_id, **start), models.MaterializeResponse
    ).operation_id
    second = ok(materialize_graph.sync_detailed(graph_id, **start), models.ErrorResponse, 409)
    assert operation_id in str(second.to_dict())

    cancelled = cancel_operation.sync_detailed(operation_id, client=client)
    answer = ok(cancelled, models.CancelOperationResponseCanceloperation)
    assert (answer['operation_id'], answer['status']) in [(operation_id, 'cancelled'), (operation_id, 'running')]
    assert events_of(client, operation_id)[-1] == 'operation_cancelled'
    assert status_of(client, operation_id)['status'] == 'cancelled'
    count = extensions.execute_query(graph_id, 'MATCH (p:Person) RETURN count(p) AS n')
    assert count.data == [{'n': 3}]


def test_an_operation_is_read_and_a_finished_one_is_not_cancelled(client):
    started = ok(create_graph.sync_detailed(client=client, body=request_of(None, unique('op'))), status=202)
    events = events_of(client, started['operation_id'])
    assert (events[:2], events[-1]) == (['queue_update', 'operation_started'], 'operation_completed')
    assert events_of(client, started['operation_id'], from_sequence=2) == events[1:]
    status = status_of(client, started['operation_id'])
    assert (status['status'], status['result']['graph_id']) == ('completed', started['graph_id'])
    assert cancel_operation.sync_detailed(started['operation_id'], client=client).status_code == 409


def events_of(client, operation_id, from_sequence=0):
    """The stored events of an operation to its end, through the client's own SSE client."""
    types = []
    stream = SSEClient(SSEConfig(base_url=client._base_url, headers={'X-API-Key': client.token}))
    stream.on('event', lambda event: types.append(event.event) if event.id else None)
    stream.connect(operation_id, from_sequence)
    stream.close()
    return types


def status_of(client, operation_id):
    answer = get_operation_status.sync_detailed(operation_id, client=client)
    return ok(answer, models.GetOperationStatusResponseGetoperationstatus)
