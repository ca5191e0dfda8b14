"""Backups through the published client: made, listed, fetched by the link that it gets."""

import hashlib
import io
import tarfile

import httpx
from robosystems_client.api.backup import create_backup, get_backup_download_url, list_backups
from robosystems_client.extensions.operation_client import MonitorOptions
from robosystems_client.models import BackupCreateRequest, BackupDownloadUrlResponse, BackupListResponse
from support import OPERATION_SECONDS, ok


def test_a_backup_is_fetched_by_the_link_that_the_client_gets(client, extensions, people):
    graph_id = people.graph_id
    started = ok(create_backup.sync_detailed(graph_id, client=client, body=BackupCreateRequest()), status=202)
    ended = extensions.operations.monitor_operation(started['operation_id'], MonitorOptions(timeout=OPERATION_SECONDS))
    assert ended.status.value == 'completed', ended.error
    backup_id = ended.result['backup_id']

    link = ok(get_backup_download_url.sync_detailed(graph_id, backup_id, client=client), BackupDownloadUrlResponse)
    assert (link.backup_id, link.graph_id, link.expires_in) == (backup_id, graph_id, 3600)
    fetched = httpx.get(link.download_url)
    assert fetched.status_code == 200, fetched.text
    assert fetched.headers['etag'] == f'"{hashlib.sha256(fetched.content).hexdigest()}"'
    with tarfile.open(fileobj=io.BytesIO(fetched.content)) as archive:
        assert 'manifest.json' in archive.getnames()
    middle = len(fetched.content) // 2
    rest = httpx.get(link.download_url, headers={'Range': f'bytes={middle}-'})
    assert rest.status_code == 206
    assert rest.content == fetched.content[middle:]

    listed = ok(list_backups.sync_detailed(graph_id, client=client), BackupListResponse)
    assert backup_id in [backup.backup_id for backup in listed.backups]
    assert listed.download_quota.used_this_month == 1


def test_the_link_of_another_graph_is_not_given(client, people):
    missing = '00000000-0000-4000-8000-000000000000'
    assert get_backup_download_url.sync_detailed(people.graph_id, missing, client=client).status_code == 404
