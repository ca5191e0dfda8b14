"""Accounts, sessions, API keys and organisations through the generated API functions."""

from types import SimpleNamespace

import pytest
from robosystems_client.api.auth import (
    check_password_strength,
    get_current_auth_user,
    get_password_policy,
    login_user,
    logout_user,
    refresh_auth_session,
    register_user,
)
from robosystems_client.api.org import get_org, list_org_graphs, list_user_orgs, update_org
from robosystems_client.api.org_members import (
    invite_org_member,
    list_org_members,
    remove_org_member,
    update_org_member_role,
)
from robosystems_client.api.org_usage import get_org_limits
from robosystems_client.api.status import get_service_status
from robosystems_client.api.user import (
    create_user_api_key,
    get_current_user,
    list_user_api_keys,
    revoke_user_api_key,
    update_user,
    update_user_api_key,
    update_user_password,
)
from robosystems_client import models
from robosystems_client.client import AuthenticatedClient
from support import ok, unique

PASSWORD = 'Correct-horse-battery-7'


def register(credentials, stranger):
    """A new account: its e-mail address, its name and a client with its session token."""
    email = f'{unique("grace")}@example.org'
    body = models.RegisterRequest(name='Grace', email=email, password=PASSWORD)
    welcome = ok(register_user.sync_detailed(client=stranger, body=body), models.AuthResponse, 201)
    return SimpleNamespace(
        id=welcome.user['id'], email=email, client=AuthenticatedClient(base_url=credentials.url, token=welcome.token)
    )


@pytest.fixture
def grace(credentials, stranger):
    return register(credentials, stranger)


@pytest.fixture(scope='module')
def org_id(client):
    return ok(list_user_orgs.sync_detailed(client=client), models.OrgListResponse).orgs[0].id


def test_the_platform_says_that_it_is_healthy(stranger):
    health = ok(get_service_status.sync_detailed(client=stranger), models.HealthStatus)
    assert health.status == 'healthy'


def test_the_owner_is_known_by_the_api_key(client, credentials):
    user = ok(get_current_user.sync_detailed(client=client), models.UserResponse)
    assert user.email == credentials.email
    me = ok(
        get_current_auth_user.sync_detailed(client=client), models.GetCurrentAuthUserResponseGetcurrentauthuser
    )
    assert (me['id'], me['email']) == (user.id, credentials.email)


def test_the_owner_logs_in_with_the_printed_password(stranger, credentials):
    body = models.LoginRequest(email=credentials.email, password=credentials.password)
    session = ok(login_user.sync_detailed(client=stranger, body=body), models.AuthResponse)
    assert session.user['email'] == credentials.email
    bearer = AuthenticatedClient(base_url=credentials.url, token=session.token)
    assert ok(get_current_user.sync_detailed(client=bearer), models.UserResponse).email == credentials.email


def test_a_session_is_refreshed_and_ended(credentials, grace):
    renewed = ok(refresh_auth_session.sync_detailed(client=grace.client), models.AuthResponse)
    bearer = AuthenticatedClient(base_url=credentials.url, token=renewed.token)
    assert ok(get_current_user.sync_detailed(client=bearer), models.UserResponse).email == grace.email
    ok(logout_user.sync_detailed(client=bearer), models.LogoutUserResponseLogoutuser)
    ended = get_current_auth_user.sync_detailed(client=bearer)
    assert ok(ended, models.ErrorResponse, 401).code
    assert ok(refresh_auth_session.sync_detailed(client=bearer), models.ErrorResponse, 401).detail


def test_an_account_is_made_once_and_changed(stranger, grace):
    again = models.RegisterRequest(name='Grace', email=grace.email, password=PASSWORD)
    assert ok(register_user.sync_detailed(client=stranger, body=again), models.ErrorResponse, 409).code

    changed = update_user.sync_detailed(client=grace.client, body=models.UpdateUserRequest(name='Grace Hopper'))
    assert ok(changed, models.UserResponse).name == 'Grace Hopper'

    other = 'Another-horse-battery-8'
    body = models.UpdatePasswordRequest(current_password=PASSWORD, new_password=other, confirm_password=other)
    ok(update_user_password.sync_detailed(client=grace.client, body=body), models.SuccessResponse)
    login = models.LoginRequest(email=grace.email, password=other)
    ok(login_user.sync_detailed(client=stranger, body=login), models.AuthResponse)
    wrong = models.LoginRequest(email=grace.email, password=PASSWORD)
    assert ok(login_user.sync_detailed(client=stranger, body=wrong), models.ErrorResponse, 401).code


def test_passwords_are_judged(stranger):
    policy = ok(get_password_policy.sync_detailed(client=stranger), models.PasswordPolicyResponse).policy
    assert policy['min_length'] >= 8
    for password, good in (('password', False), (PASSWORD, True)):
        body = models.PasswordCheckRequest(password=password)
        judged = ok(check_password_strength.sync_detailed(client=stranger, body=body), models.PasswordCheckResponse)
        assert judged.is_valid is good, judged
        assert (judged.errors == []) is good


def test_an_api_key_is_made_used_renamed_and_revoked(credentials, client):
    body = models.CreateAPIKeyRequest(name='peer', description='of a test', expires_at='2099-01-01T00:00:00Z')
    made = ok(create_user_api_key.sync_detailed(client=client, body=body), models.CreateAPIKeyResponse, 201)
    assert made.key.startswith(made.api_key.prefix)
    with_key = AuthenticatedClient(
        base_url=credentials.url, token=made.key, prefix='', auth_header_name='X-API-Key'
    )
    ok(get_current_user.sync_detailed(client=with_key), models.UserResponse)

    rename = models.UpdateAPIKeyRequest(name='renamed')
    renamed = update_user_api_key.sync_detailed(made.api_key.id, client=client, body=rename)
    assert ok(renamed, models.APIKeyInfo).name == 'renamed'
    listed = ok(list_user_api_keys.sync_detailed(client=client), models.APIKeysResponse).api_keys
    assert [key.name for key in listed if key.id == made.api_key.id] == ['renamed']

    ok(revoke_user_api_key.sync_detailed(made.api_key.id, client=client), models.SuccessResponse)
    assert get_current_user.sync_detailed(client=with_key).status_code == 401
    gone = revoke_user_api_key.sync_detailed('00000000-0000-4000-8000-000000000000', client=client)
    assert ok(gone, models.ErrorResponse, 404).code


def test_an_organisation_is_read_and_renamed(client, org_id, people):
    name = unique('peers')
    renamed = update_org.sync_detailed(org_id, client=client, body=models.UpdateOrgRequest(name=name))
    assert ok(renamed, models.OrgDetailResponse).name == name
    assert ok(get_org.sync_detailed(org_id, client=client), models.OrgDetailResponse).user_role is models.OrgRole.OWNER
    limits = ok(get_org_limits.sync_detailed(org_id, client=client), models.OrgLimitsResponse)
    assert limits.can_create_graph is True
    graphs = ok(list_org_graphs.sync_detailed(org_id, client=client))
    assert people.graph_id in [graph['graph_id'] for graph in graphs]


def test_a_member_comes_rises_and_goes(client, org_id, grace):
    invitation = models.InviteMemberRequest(email=grace.email, role=models.OrgRole.MEMBER)
    member = ok(invite_org_member.sync_detailed(org_id, client=client, body=invitation), models.OrgMemberResponse, 201)
    assert member.user_id == grace.id
    ok(get_org.sync_detailed(org_id, client=grace.client), models.OrgDetailResponse)

    rise = models.UpdateMemberRoleRequest(role=models.OrgRole.ADMIN)
    raised = update_org_member_role.sync_detailed(org_id, grace.id, client=client, body=rise)
    assert ok(raised, models.OrgMemberResponse).role is models.OrgRole.ADMIN
    members = ok(list_org_members.sync_detailed(org_id, client=client), models.OrgMemberListResponse)
    assert members.total == len(members.members) >= 2

    ok(remove_org_member.sync_detailed(org_id, grace.id, client=client), status=204)
    assert get_org.sync_detailed(org_id, client=grace.client).status_code == 404
