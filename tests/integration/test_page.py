"""The page as a process of its own, beside a worker."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aio_pika.abc import AbstractChannel
from yarl import URL

from tests.integration.harness import Worker, World, depth, publish
from tests.integration.shell import Shell, page
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(90)

TOKEN = "a-token-of-the-page-long-enough"
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


async def until(asks: Callable[[], Awaitable[str]], word: str) -> str:
    """Return what is answered once a word is in it."""
    async with asyncio.timeout(30):
        while word not in (text := await asks()):
            await asyncio.sleep(0.2)
    return text


async def test_an_admin_sees_how_the_account_stands_and_tests_the_connection(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    place = f"/accounts/{world.account}"
    secret = {"PAGE_TOKEN": TOKEN, "PAGE_SECRET": "what-signs-links-and-sessions"}
    async with (
        Worker(world, tmp_path / "worker.log"),
        page(kit_worker, **secret) as (process, root),
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):

        async def view() -> str:
            async with session.get(f"{root}{place}") as answer:
                return await answer.text()

        link = (await kit_worker("page-link", world.account, "--address", root, **secret)).out.strip()
        async with session.post(link, headers=FROM_HERE) as answer:
            assert answer.url.path == place
        assert "All is well" in await until(view, "All is well")
        async with session.post(f"{root}{place}/test", headers=FROM_HERE) as answer:
            told = await answer.text()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert "It works: this is" in told
    assert "each is made when it is needed first" in told
    assert world.key not in told


async def test_an_operator_pauses_an_account_and_its_worker_hears_of_it(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    place = f"/accounts/{world.account}"
    async with (
        Worker(world, tmp_path / "worker.log") as worker,
        page(kit_worker) as (_, root),
        aiohttp.ClientSession() as session,
    ):

        async def heard() -> str:
            return " ".join(worker.events_logged())

        for what, event in (("pause", "account_paused"), ("resume", "account_resumed")):
            async with session.post(f"{root}{place}/{what}", headers=FROM_HERE) as answer:
                assert answer.status == 200
            await until(heard, event)


async def test_one_person_is_told_with_what_differs_in_kit(
    world: World, kit_worker: Shell, tmp_path: Path, channel: AbstractChannel, sandbox: Sandbox
) -> None:
    """Given a tag that somebody took off in Kit, the page says which event gave it, and the difference."""
    async with (
        Worker(world, tmp_path / "worker.log") as worker,
        page(kit_worker) as (_, root),
        aiohttp.ClientSession() as session,
    ):
        await publish(channel, world.exchange, [STARTED])
        await until(partial(_logged, worker), "event_applied")
        await _untag(sandbox, world.key, "Active Member")
        people = f"{root}/accounts/{world.account}/people"
        async with session.get(people, params={"find": "u-1"}) as answer:
            view = " ".join((await answer.text()).split())
            assert answer.url.path.endswith("/people/ada@example.com")
    assert "subscription.started of 2026-07-01 12:00 UTC" in view
    assert '<th scope="row">Active Member</th>' in view
    assert 'off, <strong class="mood busy">which may only show late</strong>' in view
    assert "tag 'Active Member'" in view.replace("&#39;", "'")


STARTED: Final[dict[str, Any]] = {
    "id": "e-1",
    "type": "subscription.started",
    "time": "2026-07-01T12:00:00Z",
    "data": {"user": {"id": "u-1", "email": "ada@example.com"}, "subscription": {"plan": "Annual"}},
}


async def _logged(worker: Worker) -> str:
    return " ".join(worker.events_logged())


async def test_what_kit_lost_is_put_back_by_a_button_and_who_is_forgotten_is_gone(
    world: World, kit_worker: Shell, tmp_path: Path, channel: AbstractChannel, sandbox: Sandbox
) -> None:
    """Given a tag that Kit lost, the worker puts it back; who is forgotten leaves no dead letter either."""
    person = f"/accounts/{world.account}/people/ada%40example.com"
    bad = {
        **STARTED,
        "id": "e-2",
        "time": "2026-07-01T12:01:00Z",
        "data": {**STARTED["data"], "user": {"email": "ada@example.com", "id": {}}},
    }
    async with (
        Worker(world, tmp_path / "worker.log") as worker,
        page(kit_worker) as (_, root),
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):

        async def posted(path: str) -> str:
            async with session.post(URL(f"{root}{path}", encoded=True), headers=FROM_HERE) as answer:
                return " ".join((await answer.text()).split())

        async def timeline() -> str:
            async with session.get(URL(f"{root}{person}", encoded=True)) as answer:
                return await answer.text()

        await publish(channel, world.exchange, [STARTED, bad])
        await until(partial(_logged, worker), "event_applied")
        await until(partial(_logged, worker), "event_dead_lettered")
        await _untag(sandbox, world.key, "Active Member")
        said = await posted(f"{person}/again")
        await until(timeline, "sent again, as somebody asked")
        tags = sandbox.account(world.key).subscriber("ada@example.com").tags
        forgotten = await posted(f"{person}/forget")
        gone = await timeline()
    assert "It is in the account&#39;s queue: Kit is told 2 tags and" in said
    assert tags == {"Active Member"}
    assert "Erased here: 1 record, 3 lines of history, 0 effects to come and 1 dead letter." in forgotten
    assert "sent again, as somebody asked" not in gone


async def test_a_dead_letter_is_tried_and_stays_where_it_is(
    world: World, kit_worker: Shell, tmp_path: Path, channel: AbstractChannel, sandbox: Sandbox
) -> None:
    """Given a letter, its event is told as it would come in again; no queue, no ledger and no Kit changes."""
    bad = {**STARTED, "id": "e-2", "data": {"user": {"email": "bob@example.com", "id": {}}}}
    place = f"/accounts/{world.account}/try"
    async with (
        Worker(world, tmp_path / "worker.log") as worker,
        page(kit_worker) as (_, root),
        aiohttp.ClientSession() as session,
    ):
        await publish(channel, world.exchange, [bad])
        await until(partial(_logged, worker), "event_dead_lettered")
        listed = json.loads((await kit_worker("dead-letters", "list", "--json")).out)
        (letter,) = re.findall(r'"id": "([^"]+)"', json.dumps(listed))
        history, calls = (await kit_worker("history", "--json")).out, sandbox.calls(world.key)
        async with session.get(f"{root}{place}", params={"letter": letter}) as answer:
            view = " ".join((await answer.text()).split())
        async with session.get(f"{root}{place}", params={"letter": "none"}) as answer:
            none = await answer.text()
        form = {"kind": "subscription.started", "email": "bob@example.com"}
        async with session.post(f"{root}{place}", data=form, headers=FROM_HERE) as answer:
            tried = await answer.text()
        depths = [await depth(world.amqp_url, f"kit.{world.account}{end}") for end in ("", ".dead")]
        again = (await kit_worker("history", "--json")).out
        made = sandbox.calls(world.key)[len(calls) :]
    assert "It would be a dead letter (invalid_event): data.user.id: must be text" in view
    assert "bob@example.com" in view
    assert "There is no such dead letter" in none
    assert "It would be applied, with" in tried
    assert (depths, again) == ([0, 1], history)
    assert {call.endpoint.split()[0] for call in made} == {"GET"}
    assert sandbox.account(world.key).find("bob@example.com") is None


async def _untag(sandbox: Sandbox, key: str, tag: str) -> None:
    kit = sandbox.account(key)
    address = f"{sandbox.url}/v4/tags/{kit.tags()[tag]}/subscribers/{kit.subscriber('ada@example.com').id}"
    async with (
        aiohttp.ClientSession() as session,
        session.delete(address, headers={"X-Kit-Api-Key": key}) as gone,
    ):
        assert gone.status == 204
