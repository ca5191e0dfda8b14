"""What every test of the published client starts from: a running platform, its owner, and one loaded graph."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from robosystems_client.client import AuthenticatedClient, Client
from robosystems_client.extensions import RoboSystemsExtensionConfig, RoboSystemsExtensions
from support import KNOWS, MISSING, PEOPLE, PERSONS, create_graph_of, write_file


@pytest.fixture(scope='session')
def credentials():
    return SimpleNamespace(**json.loads(Path(os.environ['PEERS_CREDENTIALS']).read_text()))


@pytest.fixture(scope='session')
def client(credentials):
    """The generated client with the owner's API key, as the client's own extensions make it."""
    return AuthenticatedClient(
        base_url=credentials.url, token=credentials.api_key, prefix='', auth_header_name='X-API-Key'
    )


@pytest.fixture(scope='session')
def stranger(credentials):
    """Nobody: no credential at all."""
    return Client(base_url=credentials.url)


@pytest.fixture(scope='session')
def extensions(credentials):
    config = RoboSystemsExtensionConfig(base_url=credentials.url, headers={'X-API-Key': credentials.api_key})
    made = RoboSystemsExtensions(config)
    yield made
    made.close()


@pytest.fixture
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp('files')


@pytest.fixture(scope='session')
def people(client, extensions, tmp_path_factory):
    """A graph with three people who know each other, loaded through the extension clients."""
    directory = tmp_path_factory.mktemp('people')
    graph_id = create_graph_of(client, extensions, PEOPLE)
    uploads = {
        table: extensions.files.upload(graph_id, table, write_file(directory, f'{table.lower()}.csv', rows))
        for table, rows in (('Person', PERSONS), ('KNOWS', KNOWS))
    }
    for upload in uploads.values():
        assert upload.success, upload.error
    loaded = extensions.materialization.materialize(graph_id)
    assert loaded.success, loaded.error
    return SimpleNamespace(graph_id=graph_id, uploads=uploads, loaded=loaded)


def pytest_terminal_summary(terminalreporter, config):
    """The routes of the contract that answered 501, for whoever reads the log."""
    missing = config.stash.get(MISSING, [])
    if missing:
        terminalreporter.section(f'{len(missing)} routes of the contract are not there yet (501)')
        for route in missing:
            terminalreporter.write_line(route)
