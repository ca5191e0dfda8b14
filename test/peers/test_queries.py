"""Queries as one JSON document and as NDJSON, through the query client and the generated function."""

import json

import pytest
from robosystems_client import models
from robosystems_client.api.query import execute_cypher_query
from robosystems_client.extensions import QueryOptions, QueryRequest
from support import ok

FRIENDS = 'MATCH (a:Person {id: $id})-[k:KNOWS]->(b) RETURN b.name AS name, b.born AS born, k.since AS since'


@pytest.mark.parametrize('mode', [None, 'auto', 'sync', 'stream'])
def test_a_query_with_parameters_answers_in_every_mode(extensions, people, mode):
    options = QueryOptions(mode=models.ResponseMode(mode) if mode else None)
    answer = extensions.query.execute_query(people.graph_id, QueryRequest(FRIENDS, {'id': 2}), options)
    assert answer.columns == ['name', 'born', 'since']
    assert answer.data == [{'name': 'Edsger', 'born': '1930-05-11', 'since': 1960}]
    assert answer.row_count == 1
    assert answer.execution_time_ms > 0


def test_a_stream_comes_in_chunks(client, extensions, people):
    rows = 'UNWIND range(1, 2500) AS n RETURN n'
    options = QueryOptions(mode=models.ResponseMode.STREAM, chunk_size=1000)
    answer = extensions.query.execute_query(people.graph_id, QueryRequest(rows), options)
    assert [row['n'] for row in answer.data] == list(range(1, 2501))

    body = models.CypherQueryRequest(query=rows)
    streamed = execute_cypher_query.sync_detailed(
        people.graph_id, client=client, body=body, mode=models.ResponseMode.STREAM, chunk_size=1000
    )
    assert streamed.headers['content-type'] == 'application/x-ndjson'
    chunks = [json.loads(line) for line in streamed.content.splitlines()]
    assert [len(chunk['rows']) for chunk in chunks[:-1]] == [1000, 1000, 500]
    assert (chunks[-1]['complete'], chunks[-1]['total_rows']) == (True, 2500)


def test_many_rows_come_as_one_document(extensions, people):
    rows = 'UNWIND range(1, 5000) AS n RETURN n'
    options = QueryOptions(mode=models.ResponseMode.SYNC)
    answer = extensions.query.execute_query(people.graph_id, QueryRequest(rows), options)
    assert [row['n'] for row in answer.data] == list(range(1, 5001))


def test_a_query_answers_in_the_model_of_the_contract(client, people):
    body = models.CypherQueryRequest(query='MATCH (p:Person) RETURN count(p) AS people')
    answer = ok(
        execute_cypher_query.sync_detailed(people.graph_id, client=client, body=body),
        models.ExecuteCypherQueryResponse200,
    )
    assert (answer.success, answer.graph_id) == (True, people.graph_id)
    assert [row.to_dict() for row in answer.data] == [{'people': 3}]


def test_the_query_client_asks_in_one_line(extensions, people):
    assert extensions.execute_query(people.graph_id, FRIENDS, {'id': 1}).data[0]['name'] == 'Grace'
