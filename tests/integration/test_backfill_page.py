"""A file of members by the page, beside a real worker: taken in and taken back, over kills of the page."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.integration.harness import KEY, Worker, World, until
from tests.integration.shell import Shell, page
from tests.integration.test_apply_page import FROM_HERE, Viewer
from tests.integration.test_backfill import FILE, PEOPLE, address, new_taggings, rows, should_have, tags
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(90 + PEOPLE / 4)
ROWS: Final = len(rows())


async def upload(session: aiohttp.ClientSession, place: str) -> None:
    form = aiohttp.FormData()
    lines = "".join(f"{json.dumps(row)}\n" for row in rows())
    form.add_field("file", lines.encode(), filename="members.jsonl", content_type="application/jsonl")
    async with session.post(place, data=form, headers=FROM_HERE) as answer:
        assert answer.status == 200, await answer.text()


async def test_what_the_plan_says_is_taken_in_and_taken_back_over_kills_of_the_page(
    world: World, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a page that is killed once the rows are with the workers, the next one tells how they ended."""
    world.write_account(FILE)
    kit = sandbox.account(KEY)
    async with Worker(world, tmp_path / "log"), aiohttp.ClientSession() as session:
        viewer = Viewer(session, world.account, "backfill")
        async with page(kit_worker) as (process, viewer.root):
            await upload(session, f"{viewer.root}/accounts/{world.account}/backfill")
            told = await viewer.says(f"{ROWS:,} rows are taken in")
            assert f"may start an automation and send mail: {new_taggings():,}." in told
            assert kit.subscribers() == {}
            run = await viewer.hidden("run")
            await viewer.post("run", run=run, taggings=f"{new_taggings():,}")
            async with asyncio.timeout(60 + PEOPLE / 10):
                while not re.search("rows are done|it is being counted|Done:", await viewer.view()):
                    await asyncio.sleep(0.2)
            process.send_signal(signal.SIGKILL)
        async with page(kit_worker) as (_, viewer.root):
            told = await viewer.says(f"Done: {ROWS:,} of {ROWS:,} rows")
            assert re.search(r"[\d,]+ are applied", told)
            has = tags(kit.subscribers())
            assert has == {address(number): should_have(number, range(0)) for number in range(PEOPLE)}
            await viewer.post("undo", run=run, sure="yes")
            await until(lambda: not any(tags(kit.subscribers()).values()))
            await viewer.says("put on is taken back.")
