"""The demo, as somebody runs it who sees this for the first time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from worker.broker.queues import connected, queue_state
from worker.broker.topology import dead_letter_queue, work_queue

pytestmark = pytest.mark.timeout(120)


async def start(amqp_url: str, folder: Path, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "demo", *words,
        env={"PATH": os.environ["PATH"], "AMQP_URL": amqp_url, "KIT_API_KEY": "kit_0123456789abcdef"},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def shell(folder: Path, command: str) -> tuple[int, str]:
    """What somebody sees who pastes it into another terminal."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command,
        env={"PATH": os.environ["PATH"]}, cwd=folder, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_the_demo_tells_event_by_event_what_changed_and_ends_with_0(
    amqp_url: str, tmp_path: Path
) -> None:
    process = await start(amqp_url, tmp_path)

    out, err = await process.communicate()

    text = out.decode()
    assert (process.returncode, err.decode()) == (0, "")
    assert re.search(r"user\.signed_up +ada@example\.com +applied\n +=> new subscriber .*\+ New Member", text)
    assert "=> status = canceled  - Active Member  + Cancelled" in text
    assert "dead-lettered (invalid_event): data.user.email: not an email address" in text
    assert "=> nothing new" in text
    assert re.search(r"cleo@example\.com +Cleo +Cancelled, New Member +plan Monthly, status canceled", text)
    calls, one_by_one = re.search(
        r"took (\d+) calls to Kit; each by itself would have taken (\d+)", text
    ).groups()  # type: ignore[union-attr]
    assert int(calls) < int(one_by_one)
    assert "+ a tag that was added, - one that was taken off" in text
    result, _, more = text.partition("All came out as it should.\n")
    assert result
    assert "make demo ARGS=--keep, or kit-worker demo --keep" in more
    assert "kit_0123" not in text


async def test_keep_leaves_it_running_until_ctrl_c_and_then_cleans_up(amqp_url: str, tmp_path: Path) -> None:
    process = await start(amqp_url, tmp_path, "--keep")
    assert process.stdout
    told = ""
    async with asyncio.timeout(60):
        while "Ctrl-C ends it all" not in told:
            line = await process.stdout.readline()
            assert line, told
            told += line.decode()
    names = re.search(r"accounts/(demo-\w+)\.yaml", told)
    assert names
    account = names[1]
    export, *tries = [
        line.strip() for line in told.partition("another terminal")[2].splitlines() if line.startswith("    ")
    ]
    *tries, published_yours, _ = [line for line in tries if not re.match(r"[1-4]\. ", line)]
    done = [await shell(tmp_path, f"{export}; {command}") for command in tries]
    page = re.search(r"(http://\S+)  the page", told)
    assert page
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{page[1]}/accounts/{account}") as answer:
            view = await answer.text()
        tagged = await _way_of_an_admin(
            session, told, partial(shell, tmp_path), f"{export}; {published_yours.removeprefix('5. ')}"
        )

    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()

    assert (process.returncode, err.decode()) == (0, "")
    assert export.startswith("export AMQP_URL=")
    assert [code for code, _ in done] == [0, 0, 0, 5]
    published, history, letters, checked = [out for _, out in done]
    assert "1 event published" in published
    assert "user.signed_up" in history
    assert "dan(at)example.com" in letters or "demo-10" in letters
    assert "Sunny Kitchen" in checked
    assert "All is well" in view or "Events are being applied." in view
    assert tagged == ["Active Member"]
    async with connected(amqp_url, "test") as connection:
        for name in (account, account.replace("demo-", "yours-")):
            assert await queue_state(connection, work_queue(name)) is None
            assert await queue_state(connection, dead_letter_queue(name)) is None


async def _way_of_an_admin(
    session: aiohttp.ClientSession,
    told: str,
    shell: Callable[[str], Awaitable[tuple[int, str]]],
    publish: str,
) -> list[str]:
    """Go the way that the demo tells, from the key to somebody who is tagged; their tags then."""
    said = re.search(r"1\. (http://\S+): enter the API key (\S+),", told)
    sandbox = re.search(r"(http://\S+): me@example.com is tagged in Your Kitchen", told)
    assert said
    assert sandbox
    address, key = said.groups()
    here = {"Sec-Fetch-Site": "same-origin"}
    async with session.post(f"{address}/key", data={"key": key}, headers=here) as answer:
        assert "The key is saved. It opens &#39;Your Kitchen&#39; in Kit" in await answer.text()
    async with session.post(f"{address}/test", headers=here) as answer:
        assert "It works: this is &#39;Your Kitchen&#39;" in await answer.text()
    assert (await shell(publish))[0] == 0
    async with asyncio.timeout(30):
        while not (tags := await _tags(session, sandbox[1], key)):
            await asyncio.sleep(0.2)
    return tags


async def _tags(session: aiohttp.ClientSession, sandbox: str, key: str) -> list[str]:
    """The tags that somebody has in Kit."""
    headers, who = {"X-Kit-Api-Key": key}, {"email_address": "me@example.com"}
    async with session.get(f"{sandbox}/v4/subscribers", params=who, headers=headers) as answer:
        found = (await answer.json())["subscribers"]
    if not found:
        return []
    async with session.get(f"{sandbox}/v4/subscribers/{found[0]['id']}/tags", headers=headers) as answer:
        return [tag["name"] for tag in (await answer.json())["tags"]]
