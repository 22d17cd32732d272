"""What a routing key says: the event's type, and the app it is of. Pure."""

from __future__ import annotations

from collections.abc import Collection

from worker.errors import WrongApp


def type_in(routing_key: str, apps: Collection[str], types: Collection[str]) -> str:
    """Return the type that a routing key names: the longest that is known, or all of it less the app."""
    candidates = [name for name in types if begins(routing_key, name)]
    candidates += [routing_key[: -len(app) - 1] for app in apps if routing_key.endswith(f".{app}")]
    return max(candidates, key=len, default=routing_key)


def begins(routing_key: str, kind: str) -> bool:
    """Tell whether a routing key is that of an event type, with or without an app."""
    return routing_key == kind or routing_key.startswith(f"{kind}.")


def app_in(routing_key: str, kind: str, apps: Collection[str], types: Collection[str]) -> str | None:
    """Return the app that a routing key names; the event may say another type, and the app is the key's.

    Raises:
        WrongApp: It is none of the account's.
    """
    app = _named(routing_key, kind, apps, types)
    if app in apps or (app is None and not apps):
        return app
    named = f"the routing key names the app {app!r}" if app else "the routing key names no app"
    wanted = f"takes only {', '.join(sorted(apps))}" if apps else "takes only events without one"
    raise WrongApp(f"{named}; this account {wanted}")


def _named(routing_key: str, kind: str, apps: Collection[str], types: Collection[str]) -> str | None:
    """Return what a key names besides the type; of one that is of no known type, its last word."""
    if begins(routing_key, kind):
        return routing_key[len(kind) :].removeprefix(".") or None
    if app := next((app for app in apps if routing_key.endswith(f".{app}")), None):
        return app
    known = max((name for name in types if begins(routing_key, name)), key=len, default="")
    rest = routing_key[len(known) :].removeprefix(".") if known else routing_key.rpartition(".")[2]
    return rest or None
