"""Small tools: checked calls of generated API functions, a strict look at the models they return, a sample graph."""

import datetime
import types
import typing
import uuid

import attrs
import pytest
from robosystems_client import models
from robosystems_client.api.graphs import create_graph
from robosystems_client.extensions.operation_client import MonitorOptions
from robosystems_client.models import CreateGraphRequest, CustomSchemaDefinition, GraphMetadata
from robosystems_client.types import UNSET, Unset

PEOPLE = {
    'name': 'people',
    'nodes': [
        {
            'name': 'Person',
            'properties': [
                {'name': 'id', 'type': 'INT64', 'is_primary_key': True},
                {'name': 'name', 'type': 'STRING', 'required': True},
                {'name': 'born', 'type': 'DATE'},
            ],
        }
    ],
    'relationships': [
        {
            'name': 'KNOWS',
            'from_node': 'Person',
            'to_node': 'Person',
            'properties': [{'name': 'since', 'type': 'INT32'}],
        }
    ],
}
PERSONS = 'id,name,born\n1,Ada,1815-12-10\n2,Grace,1906-12-09\n3,Edsger,1930-05-11\n'
KNOWS = 'from,to,since\n1,2,1900\n2,3,1960\n'

# Where the routes that answered 501 are kept for the summary.
MISSING = pytest.StashKey[list[str]]()

# How long an operation may take before a test gives up on it; the client watches its stream meanwhile.
OPERATION_SECONDS = 60


def ok(response, model=None, status=200):
    """The parsed body of an answer that must have this status, be of this model and hold what the model promises."""
    assert response.status_code == status, f'{int(response.status_code)}: {response.content[:500]!r}'
    if model is None:
        return response.parsed
    assert isinstance(response.parsed, model), f'{type(response.parsed).__name__}: {response.content[:500]!r}'
    wrong = list(violations(response.parsed))
    assert wrong == [], f'{model.__name__}: {"; ".join(wrong)}'
    return response.parsed


def violations(value, where=''):
    """Where a model's values are not of the types that it declares. The generated parsers do not look."""
    # The models import the types of their fields for type checkers only.
    names = {**vars(models), 'datetime': datetime, 'Unset': Unset, 'Any': typing.Any}
    hints = typing.get_type_hints(type(value), globalns=names)
    for field in attrs.fields(type(value)):
        if field.name == 'additional_properties':
            continue
        held, path = getattr(value, field.name), f'{where}.{field.name}'
        if not fits(held, hints[field.name]):
            yield f'{path} is {held!r}, not {field.type}'
        for entry in held if isinstance(held, list) else [held]:
            if attrs.has(type(entry)):
                yield from violations(entry, path)


def fits(value, hint):
    if hint is typing.Any:
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is list:
        return isinstance(value, list) and all(fits(entry, arguments[0]) for entry in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(entry, arguments[1]) for entry in value.values())
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def request_of(schema, name='peers'):
    definition = UNSET if schema is None else CustomSchemaDefinition.from_dict(schema)
    return CreateGraphRequest(metadata=GraphMetadata(graph_name=name), custom_schema=definition)


def create_graph_of(client, extensions, schema, name='peers'):
    """A new graph of this schema: asked for through the generated API, awaited through the event stream."""
    started = ok(create_graph.sync_detailed(client=client, body=request_of(schema, name)), status=202)
    ended = extensions.operations.monitor_operation(
        started['operation_id'], MonitorOptions(timeout=OPERATION_SECONDS)
    )
    assert ended.status.value == 'completed', ended.error
    assert ended.result['graph_id'] == started['graph_id']
    return started['graph_id']


def write_file(directory, name, content):
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def unique(prefix):
    return f'{prefix}-{uuid.uuid4().hex[:10]}'
