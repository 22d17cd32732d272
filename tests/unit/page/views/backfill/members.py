"""Files of members as somebody uploads them, and workers that take them in."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select
from yarl import URL

from tests.unit.page.forms import form_on
from tests.unit.page.planning import opened, until_due
from tests.unit.page.serve import Answer, Client
from tests.unit.page.views.test_people_look import words_of
from worker.ledger.schema import due
from worker.subscribers.item import ROW_TOLD
from worker.subscribers.known import Batch, HistoryEntry

PLACE = "/accounts/sunny/backfill"
BUTTON = f'action="{PLACE}/run"'
RISING = {"type": "order.paid", "as_of": "2024-01-01T00:00:00Z"}


def table(count: int = 30) -> bytes:
    lines = ["email,Shoe size", *(f"person{number:02}@example.com,42" for number in range(count))]
    return "\r\n".join(lines).encode()


async def send(
    client: Client, content: bytes, boxes: Mapping[str, str] = RISING, *, place: str = PLACE
) -> Answer:
    """Upload a file, as the form of the view does."""
    form = aiohttp.FormData()
    for name, text in boxes.items():
        form.add_field(name, text)
    form.add_field("file", io.BytesIO(content), filename="members.csv", content_type="text/csv")
    return await post(client, form, place=place)


async def post(client: Client, data: Any, *, place: str = PLACE, **headers: str) -> Answer:  # noqa: ANN401  # any body
    address = URL(f"{client.root}{place}", encoded=True)
    said = {"Sec-Fetch-Site": "same-origin", **headers}
    async with client.session.post(address, data=data, headers=said, allow_redirects=False) as answer:
        place = answer.headers.get("Location", "")
        return Answer(answer.status, await answer.text(), answer.headers, place)


async def seen(client: Client, *words: str) -> str:
    """Return what the view says once these words are there."""
    async with asyncio.timeout(30):
        while True:
            view = (await client.ask(PLACE)).text
            if all(each in words_of(view) for each in words):
                return view
            await asyncio.sleep(0.02)


async def begun(client: Client, folder: Path) -> str:
    """Have a file of 30 rows taken in; return the name of the run."""
    assert (await send(client, table())).place == PLACE
    run = form_on((await client.ask(PLACE)).text, "/run")["run"]
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    await until_due(folder, 30)
    return str(run)


async def workers_take_in(folder: Path, some: int = 1000) -> None:
    """Let rows that wait end, each having put on a tag, as a worker writes it."""
    async with opened(folder) as ledger:
        async with ledger.database.read() as connection:
            rows = (await connection.execute(select(due).order_by(due.c.id).limit(some))).all()
        now, call = ledger.clock.now(), {"call": "POST", "what": "tag 'Buyer'", "status": 201, "rules": [0]}
        entries = [
            HistoryEntry(
                row.email, row.event_id, row.event_type, now, now.timestamp(), "applied",
                f"{ROW_TOLD}{row.id}", (call,),
            )
            for row in rows
        ]  # fmt: skip
        await ledger.save(await ledger.take("sunny"), Batch(entries=entries, past=[row.id for row in rows]))
