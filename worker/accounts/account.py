"""An account as the worker knows it, however its file is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

from pydantic import SecretStr

from worker.mapping import EventMapping, FieldTarget, Options

DEFAULT_OPTIONS: Final = Options()


API_KEY_LIMIT: Final = 120
OAUTH_LIMIT: Final = 600
"""Calls in any 60 s that Kit allows a credential (Kit API reference, "Rate limiting")."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What Kit knows an account by, where its creator made a key."""

    api_key: SecretStr
    limit: ClassVar = API_KEY_LIMIT
    bulk: ClassVar = False

    @property
    def claim(self) -> str:
        """What no other account may have, too; empty where that shows only in Kit."""
        return self.api_key.get_secret_value()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An OAuth token that something else keeps fresh. Kit's bulk endpoints take such tokens only."""

    access_token: SecretStr
    limit: ClassVar = OAUTH_LIMIT
    bulk: ClassVar = True

    @property
    def claim(self) -> str:
        """See `ApiKey`."""
        return self.access_token.get_secret_value()


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """An app that creators connect their accounts to; the account's tokens are in the ledger.

    Attributes:
        client_secret: None for an app that proves itself by PKCE alone.
    """

    client_id: SecretStr
    client_secret: SecretStr | None = None
    limit: ClassVar = OAUTH_LIMIT
    bulk: ClassVar = True

    @property
    def claim(self) -> str:
        """Return nothing: many accounts are connected to one app."""
        return ""


Credential: TypeAlias = ApiKey | AccessToken | OAuthApp


@dataclass(frozen=True, slots=True)
class Account:
    """A Kit account, and what each event means there.

    Attributes:
        name: The file's name without `.yaml`; also names the queues.
        apps: Whose events it takes; empty for events whose routing key carries no app.
        credential: None while its secret is missing; the account then waits for it.
        events: By event type, what it does. Types that are turned off or unknown are absent.
        fields: Which values go to which custom fields (and Kit's first name), in full.
        version: A short fingerprint of the file's bytes, for logs and history.
        key_file: Where the key or token is read from, if from a file; it is watched like the account's own.
    """

    name: str
    apps: tuple[str, ...] = ()
    credential: Credential | None = None
    events: Mapping[str, EventMapping] = field(default_factory=dict)
    fields: tuple[FieldTarget, ...] = ()
    options: Options = DEFAULT_OPTIONS
    path: Path = Path()
    version: str = ""
    key_file: Path | None = None

    def claims(self) -> frozenset[tuple[str, str]]:
        """Return what no other account may have: each app, or to have none, and the Kit account."""
        apps = {("app", app) for app in self.apps or ("",)}
        if self.credential is None or not self.credential.claim:
            return frozenset(apps)
        return frozenset({*apps, ("secret", self.credential.claim)})
