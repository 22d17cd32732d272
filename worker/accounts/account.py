"""An account as the worker knows it, however its file is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from worker.handlers import HANDLERS
from worker.handlers.base import ENDING, path_of
from worker.kit.credentials import Credential
from worker.mapping import EventMapping, FieldTarget, Options

DEFAULT_OPTIONS: Final = Options()
PLACE: Final = "secret's place"
"""The kind of claim that is where a secret is."""


@dataclass(frozen=True, slots=True)
class Account:
    """A Kit account, and what each event means there.

    Attributes:
        name: The file's name without `.yaml`; also names the queues.
        apps: Whose events it takes; empty for events whose routing key carries no app.
        credential: None while its secret is missing; the account then waits for it.
        events: By event type, what it does. Types that are turned off or unknown are absent.
        fields: Which values go to which custom fields (and Kit's first name), in full.
        types: The event types that are known: those of `events`, and those that every account knows.
        version: A short fingerprint of the file's bytes, for logs and history.
        secret_place: What names the secret, the same for two files that mean the same one; empty where
            several accounts may have it.
        subscription_fields: The custom fields that show something of a subscription.
        ending_fields: Those that show how one ended.
        key_files: Where its secrets are read from, if from files; they are watched like the account's own.
    """

    name: str
    apps: tuple[str, ...] = ()
    credential: Credential | None = None
    events: Mapping[str, EventMapping] = field(default_factory=dict)
    fields: tuple[FieldTarget, ...] = ()
    options: Options = DEFAULT_OPTIONS
    path: Path = Path()
    version: str = ""
    secret_place: str = ""
    key_files: tuple[Path, ...] = ()
    types: frozenset[str] = field(init=False, repr=False, compare=False)
    subscription_fields: frozenset[str] = field(init=False, repr=False, compare=False)
    ending_fields: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once, not for each event.
        object.__setattr__(self, "types", frozenset({*HANDLERS, *self.events}))
        object.__setattr__(self, "subscription_fields", frozenset(_showing(self.fields, "subscription.")))
        object.__setattr__(self, "ending_fields", frozenset(_showing(self.fields, *ENDING)))

    def claims(self) -> frozenset[tuple[str, str]]:
        """Return what no other account may have: each app, or to have none; the secret, and where it is."""
        apps = {("app", app) for app in self.apps or ("",)}
        secret = self.credential.claim if self.credential else ""
        secrets = {("secret", secret), (PLACE, self.secret_place)}
        return frozenset({*apps, *(claim for claim in secrets if claim[1])})


def _showing(fields: Iterable[FieldTarget], *paths: str) -> Iterator[str]:
    """Yield the custom fields that get a value whose path begins so."""
    for target in fields:
        if any(path_of(name).startswith(paths) for name in target.sources):
            yield target.target
