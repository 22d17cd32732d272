"""A page with something to steal: two accounts, and texts in them that would act if they were let."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from tests.unit.page.routes import Address
from tests.unit.page.serve import KEY, Answer, Client, served
from worker.clock import Clock
from worker.events.event import FIRST
from worker.ledger.database import Database
from worker.ledger.journal import Action, Journal
from worker.ledger.registry import Registry
from worker.ledger.schema import tables
from worker.ledger.store import Ledger
from worker.ledger.versions import Versions
from worker.subscribers.known import Batch, HistoryEntry, Person
from worker.subscribers.parts import Part, TagWish, tag_key
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart

HOSTILE: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&{{7*7}}\u202egnp.exe"
ONLY_RAINY: Final = "what-only-rainy-has"
BOB: Final = "bob%40example.com"
"""Who is known in `rainy` alone."""
FILE: Final = """\
app: {name}
kit: {{api_key_env: KIT_API_KEY_{upper}}}
events:
  order.paid:
    add_tags: ["{tag}"]
    rules: [{{when: {{data.order.kind: "{tag}"}}, add_tags: [Ordered]}}]
fields: {{data.user.locale: "{tag}"}}
"""
TAGS: Final = {
    "sunny": "<script>alert(1)</script>'><img src=x onerror=alert(2)>",
    "rainy": ONLY_RAINY,
}


def ledger_of(folder: Path, worker: str = HOSTILE) -> Ledger:
    """Return the ledger of the page in a folder, as a worker has it."""
    return Ledger(Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}"), worker=worker, clock=Clock())


async def _tell(folder: Path, account: str, said: str, email: str) -> None:
    """Have workers, people and Kit say something wherever they can say it, about somebody in one account."""
    clock, tag = Clock(), KnownPart(Part(TagWish(said, present=True), FIRST), 1.0)
    call = {"call": "POST", "what": f"added {said}", "status": 201, "rules": [0]}
    line = HistoryEntry(
        email, said, f"order.{said}", clock.now(), clock.time(), "dead_lettered", said, (call,)
    )
    record, person = Record(email, 7, tags={tag_key(said): tag}), Person(said, email)
    report = {"state": "held", "last_error": said, "config_errors": [said], "config_hash": said}
    async with ledger_of(folder) as ledger:
        await ledger.save(await ledger.take(account, apps=(account,)), Batch([record], [person], [line]))
        await Registry(ledger, f"{HOSTILE} {account}").beat({account: report})
        await Registry(ledger, said).pause(account, said)
        await Journal(ledger).append(Action(account, said, "pause", what=said, result=said))
        for text in ("app: before", f"app: {said}"):
            await Versions(ledger).keep(account, said, text, replaced="app: first")


@asynccontextmanager
async def attacked(folder: Path, **settings: Any) -> AsyncIterator[Client]:  # noqa: ANN401  # settings' own types
    """Serve such a page; in `sunny` all texts are hostile; those of `rainy` are its own business."""
    texts = {name: FILE.format(name=name, upper=name.upper(), tag=tag) for name, tag in TAGS.items()}
    async with served(folder, texts=texts, **settings) as client:
        await _tell(folder, "rainy", ONLY_RAINY, "bob@example.com")
        await _tell(folder, "sunny", HOSTILE, "ada@example.com")
        yield client


async def state(folder: Path) -> dict[str, object]:
    """Return all that an action could have changed: the ledger's rows, and the accounts' files."""
    found: dict[str, object] = {path.name: path.read_text() for path in (folder / "accounts").iterdir()}
    async with ledger_of(folder) as ledger, ledger.database.read() as connection:
        for table in tables.sorted_tables:
            found[table.name] = [tuple(row) for row in await connection.execute(select(table))]
    return found


def holds_no_secret(text: str) -> bool:
    """Tell whether a text has no account's key in it."""
    return KEY[:-5] not in text


async def ask(client: Client, address: Address, headers: Mapping[str, str] | None = None) -> Answer:
    """Ask for an address as its row says."""
    return await client.ask(address.path, address.form, headers=headers)
