"""What an account file may not name because it is another file's: its secrets, and its app's events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from worker.accounts.account import Account
from worker.accounts.file.read import Draft
from worker.accounts.file.source import Source, YamlPath
from worker.accounts.file.values import shown
from worker.errors import Problem
from worker.handlers import HANDLERS
from worker.kit.credentials import OAuthApp

_CLIENT_ID: Final = ("kit", "oauth", "client_id_env")
_CLIENT_SECRET: Final = ("kit", "oauth", "client_secret_env")
_OWN: Final[tuple[YamlPath, ...]] = (("kit", "api_key_env"), ("kit", "access_token_env"))


def without_strangers(drafts: Mapping[Path, Draft]) -> dict[Path, Draft]:
    """Return the files, each one that names what is another's without its account, and with its problems."""
    secrets = _named(drafts, _OWN)
    apps = {app: path for path, draft in drafts.items() for app in _apps(draft.source)}
    found = {}
    for path, draft in drafts.items():
        problems = [
            draft.problem(path, at, said)
            for at, said in (
                *_secrets_named(draft, drafts, secrets),
                *_events_named(path, draft, drafts, apps),
            )
        ]
        found[path] = _refused(draft, problems) if problems else draft
    return found


def _refused(draft: Draft, problems: list[Problem]) -> Draft:
    return replace(draft, account=None, problems=(*draft.problems, *problems))


def _at(source: Source, path: YamlPath) -> Any:  # noqa: ANN401 - whatever the file says there
    """Return what a file says at a path, also a file that is wrong elsewhere; None where it says nothing."""
    value = source.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _named(drafts: Mapping[Path, Draft], places: tuple[YamlPath, ...]) -> dict[str, Path]:
    return {
        name: path
        for path, draft in drafts.items()
        for place in places
        if isinstance(name := _at(draft.source, place), str)
    }


# -- secrets ----------------------------------------------------------------------------------------------


def _secrets_named(
    draft: Draft, drafts: Mapping[Path, Draft], secrets: Mapping[str, Path]
) -> Iterator[tuple[YamlPath, str]]:
    """Yield the variables of an app at Kit that hold, or are named as, somebody's secret.

    The app's id is printed, and stands in the address at which a creator lets the app in.
    """
    if draft.account is None:
        return
    client_secrets = _named(drafts, (_CLIENT_SECRET,))
    both = ((_CLIENT_ID, {**client_secrets, **secrets}), (_CLIENT_SECRET, secrets))
    named = [(at, name, known[name]) for at, known in both if (name := _at(draft.source, at)) in known]
    for at, name, owner in named:
        yield at, f"{name} names a secret of {owner}; use a variable of its own"
    if not named and (holder := _owner_of_value(draft.account, drafts)) is not None:
        yield _CLIENT_ID, f"this variable holds a secret of {holder}; put the app's client id into it"


def _owner_of_value(account: Account, drafts: Mapping[Path, Draft]) -> Path | None:
    if not isinstance(account.credential, OAuthApp):
        return None
    client_id = account.credential.client_id.get_secret_value()
    return next((path for path, draft in drafts.items() if client_id in _values(draft)), None)


def _values(draft: Draft) -> set[str]:
    credential = draft.account.credential if draft.account else None
    if isinstance(credential, OAuthApp):
        secret = credential.client_secret
        return {secret.get_secret_value()} if secret else set()
    return {credential.claim} if credential else set()


# -- events -----------------------------------------------------------------------------------------------


def _apps(source: Source) -> list[str]:
    apps = _at(source, ("app",))
    return [app for app in (apps if isinstance(apps, list) else [apps]) if isinstance(app, str)]


def _events_named(
    path: Path, draft: Draft, drafts: Mapping[Path, Draft], apps: Mapping[str, Path]
) -> Iterator[tuple[YamlPath, str]]:
    """Yield the types that are another app's events: `user.signed_up.sunny` is the routing key of one.

    An account with apps cannot name them, since its routing keys end with its own apps.
    """
    if draft.account is None or draft.account.apps:
        return
    for name in draft.account.events:
        kind, _, app = name.rpartition(".")
        owner = apps.get(app, path)
        if owner != path and (kind in HANDLERS or _lists(drafts[owner].source, kind)):
            said = (
                f"this is {shown(kind)} of the app {shown(app)}, whose events go to {owner}; delete it here, "
                "or give the type another name"
            )
            yield ("events", name), said


def _lists(source: Source, kind: str) -> bool:
    events = _at(source, ("events",))
    return isinstance(events, dict) and kind in events
