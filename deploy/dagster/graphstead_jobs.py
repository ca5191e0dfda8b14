"""A Dagster code location whose job does what Graphstead asks it to: it calls back through the published Python client.

Graphstead launches the job (docs/dagster.md), says which graph by the resource `graphstead`, and follows the run. Lines that
begin with PROGRESS reach those who watch the operation. The address of the platform and an API key come from this process's
own environment and are in no run: GRAPHSTEAD_URL and GRAPHSTEAD_API_KEY.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import dagster as dg
import httpx
from robosystems_client.api.operations import cancel_operation, get_operation_status
from robosystems_client.client import AuthenticatedClient

OPERATION_TAG = 'graphstead/operation_id'
LOOK_SECONDS = 1.0
# How long a platform that restarts is waited for.
PATIENCE_SECONDS = 120.0


class Graphstead(dg.ConfigurableResource):
    """What is to be done; Graphstead fills it in at each launch."""

    graph_id: str
    options: dict[str, Any] = {}


def graphstead_client() -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=os.environ['GRAPHSTEAD_URL'],
        token=os.environ['GRAPHSTEAD_API_KEY'],
        prefix='',
        auth_header_name='X-API-Key',
        raise_on_unexpected_status=True,
    )


def patiently(call: Callable[[], Any]) -> Any:
    """Calls again while the platform does not answer; whatever is called is safe to be called twice."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_SECONDS)


@dg.op(description='Has Graphstead materialize the graph, and follows it to the end')
def materialize(context: dg.OpExecutionContext, graphstead: Graphstead) -> dict:
    # A step that is tried again, or a run that was launched twice, finds the materialization that was begun first.
    asked_by = context.run.tags.get(OPERATION_TAG, context.run.run_id)
    with graphstead_client() as client:
        answer = patiently(
            lambda: client.get_httpx_client().post(
                f'/v1/graphs/{graphstead.graph_id}/materialize',
                # Without it a platform that has this type of work done by Dagster would ask Dagster again.
                params={'runner': 'graphstead'},
                json=graphstead.options,
                headers={'Idempotency-Key': f'dagster-{asked_by}'},
            )
        )
        if answer.status_code not in (200, 202):
            raise failure_of(answer.json())
        return follow(context, client, answer.json()['operation_id'])


def follow(context: dg.OpExecutionContext, client: AuthenticatedClient, operation_id: str) -> dict:
    """Waits for the end of an operation. Where the run is terminated meanwhile, the operation is cancelled."""
    said = None
    try:
        while True:
            now = patiently(lambda: get_operation_status.sync(operation_id, client=client)).to_dict()
            if now['status'] == 'completed':
                return now.get('result') or {}
            if now['status'] in ('failed', 'cancelled'):
                raise failure_of(now.get('error') or {'detail': f'operation {operation_id} was cancelled'})
            line = {'percent': now['progress_percent'], 'message': now['message'], 'called_back': operation_id}
            if line != said:
                context.log.info('PROGRESS ' + json.dumps(line))
                said = line
            time.sleep(LOOK_SECONDS)
    except dg.Failure:
        raise
    except BaseException:  # Dagster interrupts a step with an error that is no Exception.
        cancel_operation.sync_detailed(operation_id, client=client)
        raise


def failure_of(problem: dict) -> dg.Failure:
    """Graphstead has tried again what is worth it, so Dagster need not."""
    words = problem.get('detail') or problem.get('message') or 'no reason was given'
    return dg.Failure(description=f"{problem.get('code', 'failed')}: {words}", allow_retries=False)


@dg.job(resource_defs={'graphstead': Graphstead.configure_at_launch()})
def materialize_graph():
    materialize()


defs = dg.Definitions(jobs=[materialize_graph])
