"""All of Kit's endpoints that the sandbox has. No sockets here.

Shapes and statuses are Kit's (Kit API reference). A further group of endpoints is one more table of routes.
"""

from __future__ import annotations

from collections.abc import Mapping

from worker.sandbox import (
    bulk_endpoints,
    field_endpoints,
    group_endpoints,
    shapes,
    subscriber_endpoints,
    tag_endpoints,
)
from worker.sandbox.endpoint import Endpoint, Incoming, Result
from worker.sandbox.state import Account


def get_account(account: Account, _: Incoming) -> Result:
    """Answer with the account and its plan: the connection test."""
    return 200, shapes.account(account)


ROUTES: Mapping[str, Endpoint] = {
    "GET /v4/account": get_account,
    **subscriber_endpoints.ROUTES,
    **tag_endpoints.ROUTES,
    **field_endpoints.ROUTES,
    **group_endpoints.ROUTES,
    **bulk_endpoints.ROUTES,
}
