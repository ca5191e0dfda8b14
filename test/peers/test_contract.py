"""Every route of the wire contract is answered, if only by a 501 that says so; and the client means the same routes."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import robosystems_client.api
from robosystems_client.api.org import list_user_orgs
from robosystems_client.models import OrgListResponse, TableInfo, TableListResponse
from support import MISSING, ok, violations



class Route(NamedTuple):
    """A line of contract-routes.txt: method, path, the client's function, and `not-yet` where a 501 is expected."""

    method: str
    path: str
    name: str
    state: str = ''

    @property
    def not_yet(self):
        return self.state == 'not-yet'


ROUTES = [Route(*line.split()) for line in (Path(__file__).parent / 'contract-routes.txt').read_text().splitlines()]
UUID = '00000000-0000-4000-8000-000000000000'
EXAMPLES = {
    'operation_id': 'op_01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'subgraph_name': 'none',
    'session_id': 'none',
}
# Where a request must be whole before it is found out that nobody serves it.
BODIES = {'query_tables': {'sql': 'SELECT 1'}}


def functions_of_the_client():
    """Name -> (method, path) of every generated API function."""
    found = {}
    for module in pkgutil.walk_packages(robosystems_client.api.__path__, 'robosystems_client.api.'):
        if module.ispkg:
            continue
        source = inspect.getsource(importlib.import_module(module.name))
        method, path = (re.search(rf'"{key}": "([^"]+)"', source).group(1) for key in ('method', 'url'))
        found[module.name.rpartition('.')[2]] = (method.upper(), path)
    return found


@pytest.fixture(scope='module')
def answers(client, credentials, people):
    """Name -> (status, problem code or None) of one empty request to each route."""
    org = ok(list_user_orgs.sync_detailed(client=client), OrgListResponse).orgs[0]
    known = {**EXAMPLES, 'graph_id': people.graph_id, 'org_id': org.id}
    with httpx.Client(base_url=credentials.url, headers={'X-API-Key': credentials.api_key}, timeout=30) as http:
        return {route.name: probe(http, route, known) for route in ROUTES}


def probe(http, route, known):
    url = re.sub(r'{(\w+)}', lambda name: known.get(name.group(1), UUID), route.path)
    # An object that no request model of the contract accepts, so that nothing is changed by asking.
    body = BODIES.get(route.name, {'unknown_field': True})
    with http.stream(route.method, url, json=None if route.method == 'GET' else body) as answer:
        if not answer.headers.get('content-type', '').startswith('application/problem+json'):
            return answer.status_code, None
        answer.read()
        return answer.status_code, answer.json()['code']


def test_a_model_that_holds_other_types_is_noticed():
    table = TableInfo(table_name='Person', row_count='3')
    answer = TableListResponse(tables=[table], total_count=None)
    assert [wrong.split(' ')[0] for wrong in violations(answer)] == ['.tables.row_count', '.total_count']


def test_the_contract_lists_the_routes_that_the_client_calls():
    functions = functions_of_the_client()
    assert {route.name: functions.get(route.name) for route in ROUTES} == {
        route.name: (route.method, route.path) for route in ROUTES
    }


@pytest.mark.parametrize('route', ROUTES, ids=[f'{route.method} {route.path}' for route in ROUTES])
def test_route_is_served(route, answers, request):
    status, code = answers[route.name]
    assert code != 'route_not_found'
    assert status not in (405, 500, 502, 503), f'{status} {code}'
    assert (status, code) == (501, 'not_implemented') if status == 501 else code != 'not_implemented'
    if status == 501:
        request.config.stash.setdefault(MISSING, []).append(f'{route.method:6} {route.path}')
    assert (status == 501) == route.not_yet, 'contract-routes.txt says which routes are not there yet: correct it'
