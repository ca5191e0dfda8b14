"""Subgraphs through the published client: made empty, forked, reset, listed, looked at, counted and deleted."""

import httpx
from robosystems_client import models
from robosystems_client.api.subgraphs import (
    create_subgraph,
    delete_subgraph,
    get_subgraph_info,
    get_subgraph_quota,
    list_subgraphs,
)
from robosystems_client.extensions.operation_client import MonitorOptions
from robosystems_client.models.create_subgraph_request_metadata_type_0 import CreateSubgraphRequestMetadataType0
from support import OPERATION_SECONDS, ok

COUNT = 'MATCH (p:Person) RETURN count(p) AS n'


def test_subgraphs_live_from_their_making_to_their_end(client, extensions, people):
    parent = people.graph_id
    quota = ok(get_subgraph_quota.sync_detailed(parent, client=client), models.SubgraphQuotaResponse)
    assert (quota.current_count, quota.remaining) == (0, quota.max_allowed)

    empty = models.CreateSubgraphRequest(
        name='empty', display_name='Empty', description='nothing yet', subgraph_type=models.SubgraphType.STATIC
    )
    made = ok(create_subgraph.sync_detailed(parent, client=client, body=empty))
    assert (made['graph_id'], made['status']) == (f'{parent}_empty', 'active')
    assert extensions.execute_query(made['graph_id'], COUNT).data == [{'n': 0}]

    whole = fork(client, extensions, parent, 'whole')
    assert whole['graph_id'] == f'{parent}_whole'
    assert extensions.execute_query(whole['graph_id'], COUNT).data == [{'n': 3}]
    part = fork(client, extensions, parent, 'part', {'where': {'Person': 'n.id > 1'}})
    assert (part['nodes'], part['relationships']) == ({'Person': 2}, {'KNOWS': 1})

    listed = ok(list_subgraphs.sync_detailed(parent, client=client), models.ListSubgraphsResponse)
    assert [one.subgraph_name for one in listed.subgraphs] == ['empty', 'whole', 'part']
    assert (listed.parent_graph_id, listed.subgraph_count) == (parent, 3)
    info = ok(get_subgraph_info.sync_detailed(parent, 'part', client=client), models.SubgraphResponse)
    assert (info.node_count, info.edge_count, info.status) == (2, 1, 'active')
    assert info.metadata.to_dict() == {'fork_options': {'where': {'Person': 'n.id > 1'}}}
    assert info.last_accessed is None
    queried = ok(get_subgraph_info.sync_detailed(parent, 'whole', client=client), models.SubgraphResponse)
    assert queried.size_mb > 0

    full = models.CreateSubgraphRequest(name='more', display_name='More')
    quota = ok(get_subgraph_quota.sync_detailed(parent, client=client), models.SubgraphQuotaResponse)
    if quota.remaining == 0:
        assert create_subgraph.sync_detailed(parent, client=client, body=full).status_code == 403

    reset = httpx.post(
        f'{client._base_url}/v1/graphs/{parent}/subgraphs/part/reset', headers={'X-API-Key': client.token}
    )
    assert reset.status_code == 202, reset.text
    assert ended(extensions, reset.json()['operation_id'])['nodes'] == {'Person': 2}

    assert delete(client, parent, 'whole', force=False).status_code == 409
    gone = ok(delete(client, parent, 'whole', force=True), models.DeleteSubgraphResponse)
    assert (gone.status, gone.backup_location is not None) == ('deleted', True)
    gone = ok(delete(client, parent, 'part', force=True, backup_first=False), models.DeleteSubgraphResponse)
    assert (gone.status, gone.backup_location) == ('deleted', None)
    ok(delete(client, parent, 'empty'), models.DeleteSubgraphResponse)
    assert get_subgraph_info.sync_detailed(parent, 'whole', client=client).status_code == 404
    quota = ok(get_subgraph_quota.sync_detailed(parent, client=client), models.SubgraphQuotaResponse)
    assert quota.current_count == 0


def test_a_fork_of_what_is_not_there_is_refused_with_what_is(client, people):
    answer = create_subgraph.sync_detailed(
        people.graph_id, client=client, body=request_of('wrong', {'tables': ['Nobody']})
    )
    assert answer.status_code == 422
    assert 'Person, KNOWS' in answer.parsed.detail[0].msg


def request_of(name, options=None):
    metadata = None if options is None else CreateSubgraphRequestMetadataType0.from_dict({'fork_options': options})
    return models.CreateSubgraphRequest(name=name, display_name=name, metadata=metadata, fork_parent=True)


def fork(client, extensions, parent, name, options=None):
    started = ok(create_subgraph.sync_detailed(parent, client=client, body=request_of(name, options)))
    return ended(extensions, started['operation_id'])


def ended(extensions, operation_id):
    end = extensions.operations.monitor_operation(operation_id, MonitorOptions(timeout=OPERATION_SECONDS))
    assert end.status.value == 'completed', end.error
    return end.result


def delete(client, parent, name, **options):
    body = models.DeleteSubgraphRequest(**options)
    return delete_subgraph.sync_detailed(parent, name, client=client, body=body)
