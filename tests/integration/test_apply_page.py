"""A plan of `apply` by the page, beside a real worker: carried out and taken back, over kills of the page."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import aiohttp
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, until
from tests.integration.members import FILE, PEOPLE, address, members, should_have, tags
from tests.integration.shell import Shell, page
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(90 + PEOPLE / 4)

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


class Viewer:
    """Whoever looks at the view and uses its forms; it stays where pages come and go."""

    def __init__(self, session: aiohttp.ClientSession, account: str, view: str = "apply") -> None:
        self._session = session
        self._place = f"/accounts/{account}/{view}"
        self.root = ""

    async def view(self) -> str:
        async with self._session.get(f"{self.root}{self._place}") as answer:
            return " ".join(re.sub("<[^>]*>", " ", await answer.text()).split())

    async def says(self, words: str) -> str:
        """Wait until the view says this; return all of it."""
        async with asyncio.timeout(60 + PEOPLE / 10):
            while words not in (view := await self.view()):
                await asyncio.sleep(0.2)
        return view

    async def post(self, what: str, **form: str) -> None:
        place = f"{self.root}{self._place}/{what}"
        async with self._session.post(place, data=form, headers=FROM_HERE) as answer:
            assert answer.status == 200, await answer.text()

    async def hidden(self, name: str) -> str:
        """Return what a form sends that nobody types."""
        async with self._session.get(f"{self.root}{self._place}") as answer:
            found = re.search(f'name="{name}" value="([^"]+)"', await answer.text())
        assert found is not None
        return found[1]


async def test_what_the_plan_says_is_done_and_taken_back_over_kills_of_the_page(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a page that is killed after each press of a button, the next one carries on with it."""
    world.write_account(FILE)
    kit = sandbox.account(KEY)
    async with Worker(world, tmp_path / "log") as worker, aiohttp.ClientSession() as session:
        viewer = Viewer(session, world.account)
        await members(world, worker, channel)
        before = tags(kit.subscribers())
        count = f"{PEOPLE + PEOPLE // 2:,}"
        async with page(kit_worker) as (process, viewer.root):
            await viewer.post("plan")
            told = await viewer.says(f"{PEOPLE:,} of {PEOPLE:,} people would be treated otherwise.")
            assert f"may start an automation and send mail: {count}." in told
            plan = await viewer.hidden("plan")
            await viewer.post("start", plan=plan, taggings=count)
            process.send_signal(signal.SIGKILL)
        async with page(kit_worker) as (process, viewer.root):
            await viewer.says(f"Done: {PEOPLE:,} people.")
            has = tags(kit.subscribers())
            assert has == {address(number): should_have(number) for number in range(PEOPLE)}
            await viewer.post("undo", plan=plan, sure="yes")
            process.send_signal(signal.SIGKILL)
        async with page(kit_worker) as (_, viewer.root):
            await viewer.says(f"Taken back: of {PEOPLE:,} people.")
            left = {email: {"Active Member"} for email in before}
            await until(lambda: tags(kit.subscribers()) == left)


async def test_what_the_command_has_begun_is_shown_and_stopped_on_the_page(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    world.write_account(FILE)
    plan = str(tmp_path / "plan.json")
    async with Worker(world, tmp_path / "log") as worker, aiohttp.ClientSession() as session:
        viewer = Viewer(session, world.account)
        await members(world, worker, channel)
        await worker.stop()
        before = tags(sandbox.account(KEY).subscribers())
        assert (await kit_worker("apply", world.account, "--save", plan)).code == 1
        async with page(kit_worker) as (_, viewer.root):
            assert (await kit_worker("apply", world.account, "--plan", plan, "--no-wait")).code == 1
            told = await viewer.says(f"0 of {PEOPLE:,} people are done.")
            assert "by the command line" in told
            await viewer.post("stop", plan=await viewer.hidden("plan"))
            told = await viewer.says(f"Done: 0 of {PEOPLE:,} people.")
            assert f"{PEOPLE:,}: the run was stopped before their turn" in told
        assert tags(sandbox.account(KEY).subscribers()) == before
