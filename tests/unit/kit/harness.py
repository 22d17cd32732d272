"""A writer for a sandbox, as an account has one, and what it called."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from tests.unit.examples import EMAIL
from worker.clock import Clock
from worker.kit.auth.login import Login, api_key_login
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
from worker.kit.http import KitHttp
from worker.kit.limiter import Limiter
from worker.kit.persistence import Persistence
from worker.kit.writer import Writer
from worker.ledger.record_json import dump_record, load_record
from worker.mapping import Options
from worker.sandbox import AccountView, Person, Sandbox
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.known import Batch, KitName
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

KEY = "key-0001"

LIST_TAGS = "GET /v4/tags 200"
LIST_FIELDS = "GET /v4/custom_fields 200"
NEW_TAG = "POST /v4/tags 201"
NEW_FIELD = "POST /v4/custom_fields 201"
CREATED = "POST /v4/subscribers 201"
UPDATED = "POST /v4/subscribers 200"
WRITTEN = "PUT /v4/subscribers/{id} 200"
TAGGED = "POST /v4/tags/{tag_id}/subscribers/{id} 201"
UNTAGGED = "DELETE /v4/tags/{tag_id}/subscribers/{id} 204"
LOOKED_UP = "GET /v4/subscribers/{id} 200"


def nobody_in_hand() -> InHand:
    """The people in a session's hands, of a ledger that has forgotten nobody."""
    return InHand()


class Written(Persistence):
    """Notes what the writer has had written, of a ledger in which Kit's answers are known since a moment."""

    def __init__(self, of: Account) -> None:
        self._of = of

    @property
    def known_since(self) -> float:
        return self._of.relied_on

    async def written(self) -> None:
        batch = self._of.in_hand.unsaved.take()
        batch.taggings = self._of.in_hand.taggings.take_unsaved()
        batch.ahead = self._of.in_hand.taggings.take_unsaved_ahead()
        # As the ledger has them: what becomes of a record later is not in it.
        batch.records = [load_record(each.email, each.kit_id, *dump_record(each)) for each in batch.records]
        self._of.batches.append(batch)
        self._of.in_hand.unsaved.saved()

    async def people(self) -> int:
        return self._of.people


@dataclass
class Account:
    """A Kit account in a sandbox, and this worker's way to it.

    Attributes:
        relied_on: From when on Kit's answers are relied on, in seconds since 1970; by default none is.
        ids: Of the people met, by address.
        batches: What the writer has had written before it went on.
        names: What names meant in Kit, as the ledger has it after a restart.
        refused: What of the last change could not be applied, each part with why.
        bulk: Whether the credential may use Kit's bulk endpoints.
        people: How many the ledger knows; of so many, a thousand may get a tag within an hour.
    """

    sandbox: Sandbox
    client: KitClient
    catalog: Catalog
    seen: int = 0
    relied_on: float = float("inf")
    in_hand: InHand = field(default_factory=nobody_in_hand)
    ids: dict[str, int | None] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[str, str], KitName] = field(default_factory=dict)
    bulk: bool = False
    people: int = 3000

    @property
    def kit(self) -> AccountView:
        """The account past the API."""
        return self.sandbox.account(KEY)

    @property
    def person(self) -> Person:
        """Ada, as she stands in Kit."""
        return self.kit.subscriber(EMAIL)

    def calls(self) -> list[str]:
        """The calls since one last asked, each as endpoint and status."""
        calls = [f"{call.endpoint} {call.status}" for call in self.sandbox.calls(KEY)]
        new, self.seen = calls[self.seen :], len(calls)
        return new

    @property
    def writer(self) -> Writer:
        """A writer as a session has one."""
        return Writer(
            self.catalog,
            self.in_hand,
            self.client.clock,
            Written(self),
            known_ttl=float("inf"),
            bulk=self.bulk,
        )

    def subscriber(self, email: str = EMAIL) -> Subscriber:
        """Somebody of whom nothing is known but, where they were met, Kit's id."""
        return Subscriber(Record(email, self.ids.get(email)), is_written=True)

    async def apply(
        self, asked: Change, subscriber: Subscriber | None = None, email: str = EMAIL
    ) -> list[str]:
        """Apply a change; the calls that it took."""
        self.calls()
        subscriber = subscriber or self.subscriber(email)
        try:
            refused = await self.writer.apply(subscriber, asked)
            self.refused = {part.what: str(part.error) for part in refused}
        finally:
            self.ids[email] = subscriber.record.kit_id
        return self.calls()

    def restart(self, options: Options | None = None) -> None:
        """Forget all that a worker learns while it runs, but for what names mean, which the ledger knows."""
        self.names |= {(name.kind, name.name): name for name in self.catalog.lists.take_named()}
        self.catalog = Catalog(self.client, options or self.catalog.options)
        self.catalog.lists.recall(self.names.values())
        self.ids.clear()


@contextlib.asynccontextmanager
async def account(
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    sandbox: Sandbox | None = None,
    login: Login = api_key_login(SecretStr(KEY)),  # noqa: B008  # as above
    timeout: float = 5.0,  # noqa: ASYNC109  # the client's own
) -> AsyncIterator[Account]:
    """A writer for a running sandbox without limits."""
    async with (
        (sandbox or Sandbox(limit=False)).running() as running,
        KitClient(
            KitHttp(running.url, clock=Clock(), timeout=timeout), login, Limiter(1000, clock=Clock())
        ) as client,
    ):
        catalog = Catalog(client, options)
        yield Account(running, client, catalog, bulk="Authorization" in await login.headers())
