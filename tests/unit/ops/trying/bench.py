"""One account with its ledger and its Kit, in which an event can be tried."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import select

from tests.unit.examples import EMAIL, NOON
from tests.unit.page.known import USER, know
from worker.accounts.account import Account
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.events.delivery import Delivery
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.schema import tables
from worker.ledger.store import Ledger
from worker.ops.tried import Tried
from worker.ops.trying import Trying
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.subscribers.parts import tag_key
from worker.subscribers.record import Record

KEY = "key-of-sunny-0001"
FILE = """
app: sunny
kit: {api_key_env: KIT_API_KEY}
events:
  order.paid:
    add_tags: [Customer]
    remove_tags: [Lead]
    rules: [{when: {data.plan: Gold}, add_tags: [Gold]}]
  order.later: {at: data.at, add_tags: [Later]}
  user.updated: {}
fields: {data.plan: Plan}
"""


class Bench:
    """One account with its ledger and its Kit."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        (folder / "accounts").mkdir()
        (folder / "accounts" / "sunny.yaml").write_text(FILE)
        self.folder = folder
        self.sandbox = sandbox
        self.account: Account = load_accounts(folder, {"KIT_API_KEY": KEY}).accounts["sunny"]
        self.ledger = Ledger(
            Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}"), worker="page", clock=Clock()
        )
        self.kit = KitAccess(Settings(kit_base_url=sandbox.url), self.ledger)

    async def tries(self, kind: str = "order.paid", *, number: int = 9, **data: Any) -> Tried:  # noqa: ANN401  # any data
        """Try event `number`, about Ada unless the data says otherwise."""
        time = (NOON + timedelta(seconds=number)).isoformat()
        data = {"user": {"email": EMAIL, "id": USER}, **data}
        body = {"id": f"e-{number}", "type": kind, "time": time, "data": data}
        received = datetime.now(UTC)
        delivery = Delivery(json.dumps(body).encode(), f"{kind}.sunny", received_at=received)
        return await Trying(self.account, self.ledger, self.kit, 3600.0).event(delivery)

    async def met(self, record: Record, *tags: str, **fields: str) -> None:
        """Let the ledger know somebody whom Kit has, with these tags and fields there."""
        kit = self.sandbox.account(KEY)
        record.kit_id = kit.add_subscriber(record.email, tags=tags, fields=fields)
        ids = kit.custom_fields()
        record.fields |= {
            name: replace(value, kit_id=ids[name.lower()])
            for name, value in record.fields.items()
            if name in fields
        }
        ids = {tag_key(name): id_ for name, id_ in kit.tags().items()}
        record.tags = {key: replace(tag, kit_id=ids.get(key, 1)) for key, tag in record.tags.items()}
        await know(self.folder, record)

    async def contents(self) -> dict[str, list[Any]]:
        """Return all that the ledger holds."""
        async with self.ledger.database.read() as connection:
            return {
                name: list(await connection.execute(select(table))) for name, table in tables.tables.items()
            }


def tags(tried: Tried) -> dict[str, tuple[bool | None, bool]]:
    """By tag, whether it would be on, and whether it is in Kit now."""
    return {tag.name: (tag.wanted, tag.in_kit is not None) for tag in tried.tags}
