"""Objects in a bucket of a real S3-compatible service (SeaweedFS): the main job, and what goes wrong with a service."""

import json
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest
from support import PEOPLE

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
SETTINGS = ('STORAGE_URL', 'S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY')
ROWS = 300_000


class Relay:
    """Passes connections on to the service, until it is closed: then all of them break and no new one is taken."""

    def __init__(self, target):
        self.target, self.port = (target.hostname, target.port), 0
        self.open()

    def open(self):
        self.listener = socket.create_server(('127.0.0.1', self.port))
        self.port = self.listener.getsockname()[1]
        self.ends = []
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            self.ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=[source, sink], daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        # A thread that waits for connections would keep the port.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.ends:
            end.close()


def launch(data, settings):
    log = data / 'platform.log'
    environment = {'PATH': os.environ['PATH'], 'PORT': '0', 'DATA_DIR': str(data), **settings}
    with log.open('w') as out:
        process = subprocess.Popen(
            ['node', ROOT / 'dist/src/main.js'], env=environment, cwd=data, stdout=out, stderr=subprocess.STDOUT
        )
    return process, log


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f'{condition.__qualname__} did not become true'
        time.sleep(0.1)
    return found


@pytest.fixture(scope='module')
def bucket():
    return {name: os.environ[name] for name in SETTINGS}


@pytest.fixture(scope='module')
def platform(bucket, tmp_path_factory):
    """A platform of its own whose objects are in the bucket, behind a relay."""
    data = tmp_path_factory.mktemp('data')
    relay = Relay(urlsplit(bucket['S3_ENDPOINT']))
    own = {'STORAGE_URL': f'{bucket["STORAGE_URL"]}/peers', 'S3_ENDPOINT': f'http://127.0.0.1:{relay.port}', 'S3_PART_MB': '5'}
    process, log = launch(data, {**bucket, **own})
    try:
        until(lambda: re.search('Graphstead is ready', log.read_text()) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        credentials = json.loads((data / 'credentials.json').read_text())
        headers = {'X-API-Key': credentials['api_key'], 'Prefer': 'wait=60'}
        with httpx.Client(base_url=credentials['url'], headers=headers, timeout=SECONDS * 2) as api:
            yield SimpleNamespace(api=api, relay=relay, data=data, log=log)
    finally:
        process.terminate()
        assert process.wait(SECONDS) == 0
        relay.close()


@pytest.fixture(scope='module')
def graph(platform):
    made = platform.api.post('/v1/graphs', json={'metadata': {'graph_name': 'stored'}, 'custom_schema': PEOPLE})
    assert made.status_code < 300, made.text
    return f'/v1/graphs/{made.json()["graph_id"]}'


def announce(platform, graph, table='Person'):
    file = {'file_name': f'{table}.csv', 'content_type': 'text/csv', 'table_name': table}
    answer = platform.api.post(f'{graph}/files', json=file)
    assert answer.status_code == 200, answer.text
    return answer.json()


def load(platform, graph, table, content):
    file = announce(platform, graph, table)
    assert httpx.put(file['upload_url'], content=content, timeout=SECONDS).status_code == 200
    staged = platform.api.patch(f'{graph}/files/{file["file_id"]}', json={'status': 'uploaded'})
    assert staged.status_code < 300, staged.text


def test_the_main_job_keeps_nothing_in_local_files(platform, graph):
    persons = 'id,name,born\n' + ''.join(f'{n},Person number {n} of many,1900-01-01\n' for n in range(ROWS))
    assert len(persons) > 2 * 5 * 1_048_576  # More than two parts.
    load(platform, graph, 'Person', persons.encode())
    load(platform, graph, 'KNOWS', b'from,to,since\n1,2,1900\n2,3,1960\n')
    loaded = platform.api.post(f'{graph}/materialize', json={})
    assert loaded.status_code < 300, loaded.text
    counted = platform.api.post(f'{graph}/query', json={'query': 'MATCH (p:Person) RETURN count(*) AS n'})
    assert counted.json()['data'] == [{'n': ROWS}]
    kept = platform.api.post(f'{graph}/queries', json={'query': 'MATCH (p:Person) RETURN p.id AS id ORDER BY id'})
    assert kept.status_code < 300, kept.text
    page = platform.api.get(f'{graph}/queries/{kept.json()["operation_id"]}/result', params={'offset': ROWS - 2, 'limit': 5})
    assert page.json()['data'] == [{'id': ROWS - 2}, {'id': ROWS - 1}]
    rows = platform.api.post(f'{graph}/tables/query', json={'sql': 'SELECT count(*) AS n FROM Person'})
    assert rows.status_code == 200, rows.text
    assert [path for path in platform.data.rglob('objects/**/*') if path.is_file()] == []


def test_an_upload_that_breaks_off_leaves_nothing(platform, graph):
    file = announce(platform, graph)
    url = urlsplit(file['upload_url'])
    with socket.create_connection((url.hostname, url.port)) as sender:
        head = f'PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 50000000\r\n\r\n'
        sender.sendall(head.encode() + b'x' * 12_000_000)
    # That no part of it stays in the bucket is proven by `src/storage/object-store.spec.ts`.
    answer = platform.api.patch(f'{graph}/files/{file["file_id"]}', json={'status': 'uploaded'})
    assert answer.json()['code'] == 'file_not_uploaded', answer.text


def test_while_the_service_is_away_requests_say_so_and_afterwards_all_is_well(platform, graph):
    file = announce(platform, graph)
    content = b'id,name,born\n9000001,Late,1950-01-01\n'
    platform.relay.close()
    refused = httpx.put(file['upload_url'], content=content, timeout=SECONDS)
    assert (refused.status_code, refused.json()['code']) == (503, 'storage_unavailable'), refused.text
    assert int(refused.headers['retry-after']) > 0
    assert platform.api.post(f'{graph}/query', json={'query': 'MATCH (p:Person) RETURN count(*) AS n'}).status_code == 200
    platform.relay.open()
    assert httpx.put(file['upload_url'], content=content, timeout=SECONDS).status_code == 200
    staged = platform.api.patch(f'{graph}/files/{file["file_id"]}', json={'status': 'uploaded'})
    assert staged.status_code < 300, staged.text


@pytest.fixture(scope='module')
def unused(tmp_path_factory):
    return tmp_path_factory.mktemp('unused')


@pytest.mark.parametrize(
    ('wrong', 'line'),
    [
        ({'S3_SECRET_ACCESS_KEY': 'not-the-secret'}, r'S3_ACCESS_KEY_ID: .* refuses the bucket "peers" \(SignatureDoesNotMatch\)'),
        ({'STORAGE_URL': 's3://nowhere'}, r'STORAGE_URL: .* has no bucket "nowhere"'),
        ({'S3_ENDPOINT': 'http://127.0.0.1:1'}, r'S3_ENDPOINT: .* does not answer \(ECONNREFUSED\)'),
    ],
    ids=['secret', 'bucket', 'endpoint'],
)
def test_a_start_that_cannot_use_the_bucket_says_why(bucket, unused, wrong, line):
    process, log = launch(unused, {**bucket, **wrong})
    assert process.wait(SECONDS * 2) == 1
    assert re.search(f'Settings cannot be used:\n  {line}', log.read_text()), log.read_text()
    assert 'not-the-secret' not in log.read_text()
