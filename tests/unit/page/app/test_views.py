"""What people see and do on the page, once they are in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from tests.unit.page.serve import TOKEN, Client, admin, served
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.page.app import LARGEST

# -- what they may do -------------------------------------------------------------------------------------


async def test_an_admin_may_not_pause(client: Client) -> None:
    await client.follow(admin())
    assert "Pause" not in (await client.ask("/accounts/sunny")).text
    assert (await client.ask("/accounts/sunny/pause", {})).status == 403
    assert (await client.ask("/accounts/sunny/resume", {})).status == 403


async def test_an_operator_pauses_an_account_and_lets_it_go_on(client: Client) -> None:
    await client.sign_in(TOKEN)
    assert (await client.ask("/accounts/sunny/pause", {})).place == "/accounts/sunny"
    view = (await client.ask("/accounts/sunny")).text
    assert "sunny is paused, until somebody lets it go on: within 5 seconds no worker begins anything" in view
    assert "The account is paused" in view
    assert (await client.ask("/accounts/sunny/resume", {})).status == 303
    assert "sunny goes on." in (await client.ask("/accounts/sunny")).text


async def test_the_connection_test_says_why_kit_did_not_answer(client: Client) -> None:
    await client.follow(admin())
    await client.ask("/accounts/sunny/test", {})
    view = (await client.ask("/accounts/sunny")).text
    assert "Kit could not be asked" in view
    assert "Test again in a minute." in view
    assert "Kit could not be asked" not in (await client.ask("/accounts/sunny")).text  # it is told once


async def test_a_part_that_is_polled_does_not_take_the_message_away(client: Client) -> None:
    await client.sign_in(TOKEN)
    await client.ask("/accounts/sunny/pause", {})
    assert "no worker begins" not in (await client.ask("/accounts/sunny/_state")).text
    assert "no worker begins" in (await client.ask("/accounts/sunny")).text


async def test_what_was_done_is_in_the_journal(client: Client) -> None:
    """Given actions of two people, each account's journal has its own, and the operators' all of them."""
    await client.follow(replace(admin(), who="Ann <ann@creators.example>"))
    await client.ask("/accounts/sunny/test", {})
    mine = (await client.ask("/accounts/sunny/journal")).text.partition("<main")[2]
    await client.sign_in(TOKEN)
    await client.ask("/accounts/rainy/pause", {})
    views = [(await client.ask(path)).text for path in ("/journal", "/accounts/rainy/journal")]
    everything, others = [view.partition("<main")[2] for view in views]

    assert "Kit could not be asked" in mine
    assert "a…@creators.example" in mine  # an address is masked: `forget` does not look through the journal
    assert "ann@" not in mine
    assert ("test" in others, "rainy is paused" in others) == (False, True)
    assert everything.index("rainy is paused") < everything.index("Kit could not be asked")
    assert (await client.ask("/journal?before=nonsense")).status == 200


async def test_of_somebody_unknown_that_is_said(client: Client) -> None:
    await client.sign_in(TOKEN)
    assert (await client.ask("/accounts/sunny/people?find=ADA@example.com")).place == (
        "/accounts/sunny/people/ada%40example.com"
    )
    view = (await client.ask("/accounts/sunny/people/ada%40example.com")).text
    assert "Nothing is known of this address here" in view
    assert (
        "Nobody is known here by the id “u-7”" in (await client.ask("/accounts/sunny/people?find=u-7")).text
    )
    assert (await client.ask("/accounts/sunny/people/nonsense")).status == 404


async def test_what_each_event_does_is_told_in_words(client: Client) -> None:
    await client.sign_in(TOKEN)
    view = (await client.ask("/accounts/sunny/events")).text
    assert "adds <em>Active Member</em>, takes off <em>Cancelled</em>, opens a subscription" in view
    assert "adds <em>[access level] access</em>" in view
    assert view.count("not lately") == 4


async def test_where_each_value_goes_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, ("sunny",)) as client:
        fields = "{mk_first_name: first_name, mk_cancel_reason: null, data.user.locale: Language}"
        more = "kit_fields: {Since: {from: [mk_subscription_started_at, mk_signed_up_at], format: date}}"
        file = tmp_path / "accounts" / "sunny.yaml"
        file.write_text(f"{file.read_text()}fields: {fields}\n{more}\n")
        await client.sign_in(TOKEN)
        await _until(client, "/accounts/sunny/fields", lambda text: "Language" in text)
        view = (await client.ask("/accounts/sunny/fields")).text
    assert "reason for canceling</a> <code>mk_cancel_reason</code>" in view
    assert ">price</td>" in view  # an example
    assert "Since (where there is none, day of signing up; as a date)" in view
    assert "user locale</a> <code>data.user.locale</code>" in view
    assert "first name, which Kit has by itself" in view
    assert "not sent" in view


# -- odd requests -----------------------------------------------------------------------------------------


async def test_more_than_a_file_of_an_account_is_not_read(client: Client) -> None:
    answer = await client.ask("/sign-in", {"token": "x" * (LARGEST + 1)})
    assert answer.status == 413


HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


async def test_what_others_wrote_is_shown_and_never_acts(tmp_path: Path) -> None:
    """Given a file whose mistakes repeat a hostile text, a search for one, and a link that names one."""
    async with served(tmp_path) as client:
        hostile = f"app: sunny\nkit: {{api_key_env: KIT_API_KEY_SUNNY}}\n? {HOSTILE!r}\n: 1\n"
        (tmp_path / "accounts" / "sunny.yaml").write_text(hostile)
        await client.sign_in(TOKEN)
        await _until(client, "/accounts/sunny", lambda text: "Mistakes in its file" in text)
        for path in ("/accounts/sunny", "/?find=%3Cscript%3Ealert(1)", "/sign-in?next=/%22%3E%3Cscript%3E"):
            assert "<script>" not in (await client.ask(path)).text
        await client.follow(replace(admin(), who=HOSTILE))
        view = (await client.ask("/accounts/sunny")).text
        assert "<script>alert" not in view
        assert "{{7*7}}" in view


async def _until(client: Client, path: str, there: Callable[[str], bool]) -> None:
    async with asyncio.timeout(15):
        while not there((await client.ask(path)).text):
            await asyncio.sleep(0.2)


# -- many accounts ----------------------------------------------------------------------------------------


async def _three_workers(folder: Path, names: Iterable[str]) -> None:
    """Have three workers say that they have all accounts."""
    report = {
        "state": "waiting",
        "last_error": "",
        "config_errors": [],
        "queue_depth": 0,
        "pending_subscribers": 0,
    }
    url = f"sqlite+aiosqlite:///{folder / 'ledger.db'}"
    for worker in ("one", "two", "three"):
        async with Ledger(Database(url), worker=worker, clock=Clock()) as ledger:
            await Registry(ledger, worker).beat(dict.fromkeys(names, report))


async def test_a_thousand_accounts_are_shown_a_hundred_at_a_time(tmp_path: Path) -> None:
    names = tuple(f"a{number:04}" for number in range(1000))
    async with served(tmp_path, names) as client:
        await _three_workers(tmp_path, names)
        await client.sign_in(TOKEN)
        first = (await client.ask("/")).text
        assert "1,000 accounts" in first
        assert first.count("All is well") == 100
        assert (first.count('<th scope="row"><a'), "a0099" in first, "a0100" in first) == (100, True, False)
        assert "a0100" in (await client.ask("/?after=a0099")).text
        found = (await client.ask("/?find=A077")).text
        assert "10 accounts" in found
        times = []
        for _ in range(10):
            began = time.perf_counter()
            await client.ask("/")
            times.append(time.perf_counter() - began)
        assert sorted(times)[5] < 0.1
