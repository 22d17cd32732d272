"""An admin mends an account's file by the page, and replays its dead letters, while a worker is killed."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from yarl import URL

from tests.container.docker import TrialFailed
from tests.container.observer import Observer, say
from tests.container.stack import PAGE_TOKEN
from tests.container.workload import TrialAccount, Workload, publish
from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import Client
from worker.broker.topology import dead_letter_queue

NO_NEW_TAGS: Final = "options:\n  create_missing: false\n"
"""In a Kit account without tags, every event becomes a dead letter by it."""
PACE: Final = 400.0
"""Events in a second: nothing of them goes to Kit."""
WITHIN: Final = 120.0
IN_FORCE_WITHIN: Final = 30.0
LOOK: Final = 0.1
ENDED: Final = r"[\d,]+ dead letters? (?:is|are) back in the queue[^.]*\."


class PageStep:
    """What the page does in containers, for one account that has no other part in the trial.

    Args:
        observer: Of the stack.
        account: The account; its events make up a workload of their own.
        workload: It.
    """

    def __init__(self, observer: Observer, account: TrialAccount, workload: Workload) -> None:
        self._observer = observer
        self._stack = observer.stack
        self._account = account
        self._load = workload
        self._root = f"/accounts/{account.name}"

    async def run(self) -> None:
        """Let its events die by a wrong file, mend that, and replay them."""
        async with self._signed_in() as client:
            await self._save(client, NO_NEW_TAGS)
            await publish(self._stack.amqp_url(), self._load, slice(None), PACE)
            await self._all_dead()
            await self._save(client, "")
            await self._replayed(client)

    @asynccontextmanager
    async def _signed_in(self) -> AsyncIterator[Client]:
        root = URL(f"http://{await asyncio.to_thread(self._stack.page_address)}")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            client = Client(session, root)
            answer = await client.sign_in(PAGE_TOKEN)
            self._observer.check(answer.status == 303, f"the page did not let us in: {answer.status}")
            yield client

    # -- the file -------------------------------------------------------------------------------------

    async def _save(self, client: Client, options: str) -> None:
        """Give the file these options as an admin does, and see that every worker has it in force."""
        place = f"{self._root}/text"
        form = form_on((await client.ask(place)).text, "/text")
        fill(form, "options", options)
        review = await press(client, place, form, "review")
        saved = await press(client, place, form_on(review.text, "/text"), "save")
        if saved.status != 303:
            raise TrialFailed(f"the page did not save the file: {words(saved.text)}")
        began, running = time.monotonic(), set(self._observer.running())
        while (have := await self._in_force(client)) != running:
            if time.monotonic() - began > IN_FORCE_WITHIN:
                raise TrialFailed(
                    f"the file is in force on {sorted(have)}, and not on {sorted(running - have)}"
                )
            await asyncio.sleep(LOOK)
        took = time.monotonic() - began
        say(f"saved by the page, and in force on all {len(running)} workers {took:.1f} s later, as it says")

    async def _in_force(self, client: Client) -> set[str]:
        told = (await client.ask(f"{self._root}/versions/_in_force")).text
        return {
            worker
            for worker, mood in re.findall(r"<strong>([^<]+)</strong> <span class=\"mood (\w+)\"", told)
            if mood == "good"
        }

    # -- the letters ----------------------------------------------------------------------------------

    async def _all_dead(self) -> None:
        queue = dead_letter_queue(self._account.name)
        async with asyncio.timeout(WITHIN):
            while (await asyncio.to_thread(self._stack.depths))[queue] < self._load.count:
                await asyncio.sleep(1.0)

    async def _replayed(self, client: Client) -> None:
        """Replay all; the account's worker is killed in the middle, and comes back in the end."""
        groups = await self._groups(client)
        killed = ""
        for reason, count in groups.items():
            place = f"{self._root}/dead-letters/runs"
            view = (await client.ask(f"{self._root}/dead-letters/group?reason={reason}")).text
            newest = re.findall(r'name="newest" value="(\d+)"', view)[0]
            form = {
                "action": "replay",
                "place": "dead",
                "reason": reason,
                "newest": newest,
                "count": str(count),
            }
            answer = await client.ask(place, form)
            if not killed:
                await self._read(client, answer.place, rf"[1-9][\d,]* of {count:,} so far")
                killed = (await asyncio.to_thread(self._stack.consumers))[self._account.name].active
                await asyncio.to_thread(self._stack.kill, killed)
            told = await self._read(
                client, answer.place, r"[\d,]+ dead letters? (?:is|are) back in the queue[^.]*\."
            )
            say(f"replayed {count:,} letters of {reason}: “{told}”")
        await self._observer.settled()
        await asyncio.to_thread(self._stack.start, killed)
        await self._observer.owned_by_the_best(self._stack.workers())

    async def _groups(self, client: Client) -> Mapping[str, int]:
        """Return how many letters there are of each reason, once the page knows of all."""
        async with asyncio.timeout(WITHIN):
            while True:
                told = (await client.ask(f"{self._root}/dead-letters")).text
                reasons = re.findall(r"group\?place=dead&amp;reason=([a-z_]+)", told)
                counts = [
                    int(each.replace(",", "")) for each in re.findall(r'class="number">([\d,]+)<', told)
                ]
                if sum(counts) == self._load.count:
                    return dict(zip(reasons, counts, strict=True))
                await asyncio.sleep(1.0)

    async def _read(self, client: Client, path: str, pattern: str) -> str:
        """Look at a view until something is there to read."""
        async with asyncio.timeout(WITHIN):
            while (found := re.search(pattern, words((await client.ask(path)).text))) is None:
                await asyncio.sleep(LOOK)
        return found[0]


def words(text: str) -> str:
    """Return what one reads of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
