"""Billing through the published client: what is offered, an order that is paid and becomes a graph, credits, and the end."""

import time

import httpx
import pytest
from robosystems_client.api.billing import (
    cancel_org_subscription,
    create_checkout_session,
    get_checkout_status,
    get_org_billing_customer,
    get_org_subscription,
    get_org_upcoming_invoice,
    list_org_invoices,
    list_org_subscriptions,
)
from robosystems_client.api.credits_ import get_credit_summary, list_credit_transactions
from robosystems_client.api.graphs import get_graphs
from robosystems_client.api.org_usage import get_org_limits, get_org_usage
from robosystems_client.api.query import execute_cypher_query
from robosystems_client.api.service_offerings import get_service_offerings
from robosystems_client.api.subscriptions import (
    change_subscription_plan,
    create_repository_subscription,
    get_graph_subscription,
)
from robosystems_client.models import (
    BillingCustomer,
    CheckoutResponse,
    CheckoutStatusResponse,
    CreateCheckoutRequest,
    CreateCheckoutRequestResourceConfig,
    CreateRepositorySubscriptionRequest,
    CreditSummaryResponse,
    CypherQueryRequest,
    DetailedTransactionsResponse,
    GraphSubscriptionResponse,
    InvoicesResponse,
    OrgLimitsResponse,
    OrgUsageResponse,
    ServiceOfferingsResponse,
    UpcomingInvoice,
    UpgradeSubscriptionRequest,
)
from support import OPERATION_SECONDS, PEOPLE, create_graph_of, ok


@pytest.fixture(scope='session')
def operator(credentials):
    """Who runs the installation, and notes that invoices were paid."""
    with httpx.Client(base_url=credentials.url, headers={'X-API-Key': credentials.api_key}) as http:
        yield http


@pytest.fixture(scope='session')
def org_id(operator):
    return operator.get('/v1/orgs').json()['orgs'][0]['id']


def pay_all(operator):
    for invoice in operator.get('/v1/admin/invoices', params={'status': 'open'}).json()['invoices']:
        assert operator.post(f'/v1/admin/invoices/{invoice["id"]}/pay').status_code == 200


def until(ask, accept):
    deadline = time.monotonic() + OPERATION_SECONDS
    while not accept(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


def ordered(client, name):
    config = CreateCheckoutRequestResourceConfig.from_dict({'graph_name': name})
    order = CreateCheckoutRequest(plan_name='ladybug-standard', resource_type='graph', resource_config=config)
    return ok(create_checkout_session.sync_detailed(client=client, body=order), CheckoutResponse, 201)


def subscription_of(client, org_id, subscription_id):
    return ok(
        get_org_subscription.sync_detailed(org_id, subscription_id, client=client), GraphSubscriptionResponse
    )


def test_what_is_offered_is_what_is_enforced(client, org_id):
    offering = ok(get_service_offerings.sync_detailed(client=client), ServiceOfferingsResponse)
    assert [tier.name for tier in offering.graph_subscriptions.tiers] == [
        'ladybug-standard',
        'ladybug-large',
        'ladybug-xlarge',
    ]
    ok(get_org_limits.sync_detailed(org_id, client=client), OrgLimitsResponse)
    ok(get_org_usage.sync_detailed(org_id, client=client), OrgUsageResponse)


def test_an_order_is_paid_becomes_a_graph_moves_and_ends(client, operator, org_id):
    order = ordered(client, 'Ordered by the client')
    assert (order.checkout_url, order.requires_checkout) == (None, False)
    session = order.session_id
    waiting = ok(get_checkout_status.sync_detailed(session, client=client), CheckoutStatusResponse)
    assert (waiting.status, waiting.resource_id) == ('pending_payment', None)
    invoices = ok(list_org_invoices.sync_detailed(org_id, client=client), InvoicesResponse)
    assert invoices.invoices[0].status == 'open'
    pay_all(operator)
    active = until(
        lambda: ok(get_checkout_status.sync_detailed(session, client=client), CheckoutStatusResponse),
        lambda answer: answer.status == 'active',
    )
    graph_id = active.resource_id
    assert subscription_of(client, org_id, order.subscription_id).resource_id == graph_id
    assert order.subscription_id in [
        one.id for one in ok(list_org_subscriptions.sync_detailed(org_id, client=client))
    ]
    ok(get_org_billing_customer.sync_detailed(org_id, client=client), BillingCustomer)
    upcoming = ok(get_org_upcoming_invoice.sync_detailed(org_id, client=client), UpcomingInvoice)
    assert upcoming.amount_due >= 4900

    summary = ok(get_credit_summary.sync_detailed(graph_id, client=client), CreditSummaryResponse)
    assert summary.graph_id == graph_id
    ok(list_credit_transactions.sync_detailed(graph_id, client=client), DetailedTransactionsResponse)

    move = UpgradeSubscriptionRequest(new_plan_name='ladybug-large')
    changing = ok(
        change_subscription_plan.sync_detailed(graph_id, client=client, body=move), GraphSubscriptionResponse
    )
    assert changing.status == 'upgrading'
    until(
        lambda: ok(get_graph_subscription.sync_detailed(graph_id, client=client), GraphSubscriptionResponse),
        lambda answer: (answer.status, answer.plan_name) == ('active', 'ladybug-large'),
    )
    ended = ok(
        cancel_org_subscription.sync_detailed(org_id, order.subscription_id, client=client),
        GraphSubscriptionResponse,
    )
    assert (ended.status, ended.ends_at) == ('canceled', ended.current_period_end)


def test_a_repository_is_subscribed_to_and_read(client, extensions, operator, org_id):
    graph_id = create_graph_of(client, extensions, PEOPLE)
    plans = [{'name': 'basic', 'display_name': 'Basic', 'monthly_price_cents': 2900, 'monthly_credits': 10}]
    offer = {'graph_id': graph_id, 'plans': plans}
    assert operator.put('/v1/admin/repositories/people_who_know', json=offer).status_code == 200
    offering = ok(get_service_offerings.sync_detailed(client=client), ServiceOfferingsResponse)
    assert 'people_who_know' in [one.type_ for one in offering.repository_subscriptions.repositories]

    body = CreateRepositorySubscriptionRequest(plan_name='basic')
    subscribed = ok(
        create_repository_subscription.sync_detailed('people_who_know', client=client, body=body),
        GraphSubscriptionResponse,
        201,
    )
    pay_all(operator)
    until(
        lambda: subscription_of(client, org_id, subscribed.id),
        lambda answer: answer.status == 'active',
    )
    graphs = ok(get_graphs.sync_detailed(client=client)).graphs
    assert [one.repository_type for one in graphs if one.graph_id == graph_id] == ['people_who_know']
    query = CypherQueryRequest(query='MATCH (p:Person) RETURN count(*) AS n')
    assert execute_cypher_query.sync(graph_id, client=client, body=query).data[0].to_dict() == {'n': 0}
    ok(cancel_org_subscription.sync_detailed(org_id, subscribed.id, client=client), GraphSubscriptionResponse)
