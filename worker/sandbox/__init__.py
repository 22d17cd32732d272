"""A local stand-in for the Kit v4 API: same answers, limits and errors, a page that shows its subscribers.

What it knows of Kit comes from Kit's API reference; where that is silent, the code says what it assumes::

    state, catalog, memberships, records, tables   one account's data and operations: pure
    endpoint, endpoints, …_endpoints, inputs, shapes, routing, refusals   requests to operations to JSON: pure
    queries, pagination, sorting   what lists may be asked for, their pages and orders: pure
    bulk, bulk_endpoints   the same for many at once
    credentials, limits, journal, faults   who calls, how often, what goes wrong
    tokens, oauth, oauth_endpoints, consent   clients, connected accounts and their tokens
    world, views   all of that in one, and how tests look at it
    answers, bodies, mishaps, server, control, orders, layout, page, service   HTTP
"""

from worker.sandbox.faults import Entry, Fault, FaultKind, Faults, Rule
from worker.sandbox.journal import Call, Journal, overlaps, peak_rate
from worker.sandbox.orders import fault_order
from worker.sandbox.records import Plan
from worker.sandbox.service import Sandbox, serve
from worker.sandbox.tokens import Refresh, Tokens
from worker.sandbox.views import AccountView, Person

__all__ = [
    "AccountView",
    "Call",
    "Entry",
    "Fault",
    "FaultKind",
    "Faults",
    "Journal",
    "Person",
    "Plan",
    "Refresh",
    "Rule",
    "Sandbox",
    "Tokens",
    "fault_order",
    "overlaps",
    "peak_rate",
    "serve",
]
