"""Control over HTTP under `/_sandbox/`, for people and for tests in other processes; not in Kit's API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from worker.sandbox import orders
from worker.sandbox.answers import Answer, json_answer
from worker.sandbox.credentials import Kind, masked
from worker.sandbox.faults import Rule
from worker.sandbox.refusals import RefusalError
from worker.sandbox.state import Account
from worker.sandbox.tokens import OAuthError
from worker.sandbox.views import AccountView
from worker.sandbox.world import World

PREFIX = "/_sandbox/"
CALLS_AT_ONCE = 1000

Json = dict[str, object]
Order = TypeVar("Order", bound=BaseModel)


def answer(world: World, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
    """Answer a control request; what is wrong with one is said in `errors`, as in Kit's API."""
    action = _ACTIONS.get(f"{method} {path.removeprefix(PREFIX)}")
    if action is None:
        known = ", ".join(_ACTIONS)
        return json_answer(404, {"errors": [f"There is no such control request; there are: {known}"]})
    try:
        return json_answer(200, action(world, query, body))
    except ValidationError as error:
        return json_answer(400, {"errors": orders.problems(error)})
    except (LookupError, OAuthError, RefusalError, ValueError) as error:
        return json_answer(400, {"errors": [str(error)]})


def state(world: World, _: Mapping[str, str], __: bytes) -> Json:
    """Everything in every account, and the settings."""
    return {
        "accounts": [_account(world, secret, account) for secret, account in world.accounts],
        "connections": [asdict(each) for each in world.oauth.connected()],
        "refreshes": [asdict(each) for each in world.oauth.refreshes],
        "settings": _settings(world),
    }


def calls(world: World, query: Mapping[str, str], _: bytes) -> Json:
    """The journal, oldest first: those after number `?since=`, and of these the newest `?limit=`."""
    since, limit = int(query.get("since", 0)), int(query.get("limit", CALLS_AT_ONCE))
    newest = [call for call in world.journal.calls if call.sequence > since][-limit:]
    totals = [
        {"account": account, "endpoint": endpoint, "status": status, "count": count}
        for (account, endpoint, status), count in world.journal.totals.items()
    ]
    peaks = [
        {"account": account.name, "credential": masked(secret), "peak": world.peak(secret)}
        for secret, account in world.accounts
        if secret is not None
    ]
    peaks += [
        {
            "account": pair.connection.account.name,
            "credential": masked(pair.access_token),
            "peak": world.peak(pair.access_token),
        }
        for pair in world.oauth.newest()
    ]
    return {"calls": [asdict(call) for call in newest], "totals": totals, "peaks": peaks}


def list_faults(world: World, _: Mapping[str, str], __: bytes) -> Json:
    """The rules in force with how often each struck."""
    return {"faults": [_rule(rule) for rule in world.faults]}


def add_faults(world: World, _: Mapping[str, str], body: bytes) -> Json:
    """Put one rule, or a list of them, in force."""
    if body.lstrip().startswith(b"["):
        given = orders.FAULTS.validate_json(body)
    else:
        given = [orders.FaultOrder.model_validate_json(body)]
    return {"faults": [_rule(world.faults.add(order.rule(world))) for order in given]}


def clear_faults(world: World, _: Mapping[str, str], __: bytes) -> Json:
    """Put no rule in force any longer."""
    world.faults.clear()
    return {"faults": []}


def set_limits(world: World, _: Mapping[str, str], body: bytes) -> Json:
    """Set requests per window, by kind of credential; null turns a limit off."""
    order = orders.LimitsOrder.model_validate_json(body or b"{}")
    for kind in Kind:
        if kind.value in order.model_fields_set:
            world.limits.per_window[kind] = getattr(order, kind.value)
    world.limits.window = order.window or world.limits.window
    return {"settings": _settings(world)}


def set_settings(world: World, _: Mapping[str, str], body: bytes) -> Json:
    """Set any of the settings; times are in seconds."""
    order = orders.SettingsOrder.model_validate_json(body or b"{}")
    for name, (holder, attribute) in _SETTINGS.items():
        given = getattr(order, name)
        if given is not None:
            setattr(holder(world), attribute, given)
    return {"settings": _settings(world)}


def reset(world: World, _: Mapping[str, str], __: bytes) -> Json:
    """Forget data, calls, faults and counted requests."""
    world.reset()
    return state(world, {}, b"")


def delete(world: World, _: Mapping[str, str], body: bytes) -> Json:
    """Delete a tag, a custom field or a subscriber, as a creator might in Kit's own pages."""
    order = orders.DeleteOrder.model_validate_json(body)
    view = orders.account_of(world, order.account)
    if order.tag is not None:
        view.delete_tag(order.tag)
    if order.custom_field is not None:
        view.delete_custom_field(order.custom_field)
    if order.subscriber is not None:
        view.delete_subscriber(order.subscriber)
    return _view(view)


def seed(world: World, _: Mapping[str, str], body: bytes) -> Json:
    """Create tags, custom fields, forms, landing pages, sequences and subscribers, past the API."""
    order = orders.SeedOrder.model_validate_json(body)
    view = orders.account_of(world, order.account)
    for name in order.tags:
        view.add_tag(name)
    for label in order.custom_fields:
        view.add_custom_field(label)
    for name in order.forms:
        view.add_form(name)
    for name in order.landing_pages:
        view.add_form(name, hosted=True)
    for name in order.sequences:
        view.add_sequence(name)
    for person in order.subscribers:
        view.add_subscriber(
            person.email_address,
            first_name=person.first_name,
            state=person.state,
            tags=person.tags,
            fields=person.fields,
        )
    return _view(view)


def grant(world: World, _: Mapping[str, str], body: bytes) -> Json:
    """Connect an account to a client: its tokens, as the token endpoint answers."""
    order = orders.GrantOrder.model_validate_json(body)
    return dict(world.oauth.grant(order.account, order.client).json())


def disconnect(world: World, _: Mapping[str, str], body: bytes) -> Json:
    """End an account's connections."""
    world.oauth.disconnect(orders.DisconnectOrder.model_validate_json(body).account)
    return {"connections": [asdict(each) for each in world.oauth.connected()]}


_ACTIONS: Mapping[str, Callable[[World, Mapping[str, str], bytes], Json]] = {
    "GET state": state,
    "GET calls": calls,
    "GET faults": list_faults,
    "POST faults": add_faults,
    "DELETE faults": clear_faults,
    "POST limits": set_limits,
    "POST settings": set_settings,
    "POST reset": reset,
    "POST delete": delete,
    "POST seed": seed,
    "POST grant": grant,
    "POST disconnect": disconnect,
}

# Where each setting is kept.
_SETTINGS: Mapping[str, tuple[Callable[[World], object], str]] = {
    "latency": (lambda world: world, "latency"),
    "list_lag": (lambda world: world, "list_lag"),
    "bulk_delay": (lambda world: world.bulk, "delay"),
    "bulk_shuffled": (lambda world: world.bulk, "shuffled"),
    "bulk_echo_invalid": (lambda world: world.bulk, "echo_invalid"),
    "token_life": (lambda world: world.oauth, "token_life"),
    "refresh_ends_access": (lambda world: world.oauth, "refresh_ends_access"),
    "unknown_parameters": (lambda world: world, "unknown_parameters"),
}


def _settings(world: World) -> Json:
    return {
        **{name: getattr(holder(world), attribute) for name, (holder, attribute) in _SETTINGS.items()},
        "limits": {str(kind): limit for kind, limit in world.limits.per_window.items()},
        "window": world.limits.window,
    }


def _account(world: World, secret: str | None, account: Account) -> Json:
    return {"credential": None if secret is None else masked(secret), **_view(world.view(account))}


def _view(view: AccountView) -> Json:
    people = [
        {**asdict(person), "tags": sorted(person.tags, key=str.lower)}
        for person in view.subscribers().values()
    ]
    return {
        "name": view.name,
        "plan_type": view.account.plan.plan_type,
        "subscribers": people,
        "tags": [asdict(tag) for tag in view.account.tags.rows.values()],
        "custom_fields": [asdict(each) for each in view.account.custom_fields.rows.values()],
        "forms": [asdict(each) for each in view.account.forms.rows.values()],
        "sequences": [asdict(each) for each in view.account.sequences.rows.values()],
    }


def _rule(rule: Rule) -> Json:
    return {
        "fault": str(rule.fault),
        "method": rule.method,
        "path": rule.path,
        "account": rule.account,
        "email": rule.email,
        "times": rule.times,
        "matched": rule.matched,
        "struck": rule.struck,
    }
