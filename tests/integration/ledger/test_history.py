"""What each event did, found again; on both databases."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    EVE,
    NOON,
    NewLedger,
    entry,
    execute,
    fill,
    record,
)
from worker.errors import LedgerUnavailable
from worker.ledger import history
from worker.ledger.history import (
    Line,
    Page,
    addresses,
    find_history,
    history_page,
    lines_saying,
    prune_history,
)
from worker.ledger.seen import LATELY, Seen, event_types, seen_lately
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, HistoryEntry

CALL = {"call": "POST /v4/tags/1/subscribers", "what": "added VIP", "status": 201, "rules": [0, 2]}
DAY = 24 * 3600.0


def ids(lines: list[Line]) -> list[str | None]:
    """Return which events these are."""
    return [line.event_id for line in lines]


async def test_a_line_says_all_that_was_noted(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given an event's line, whoever reads it has all of it, its time in UTC and its calls as they were."""
    local = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    noted = entry(
        ADA, "e1", event_time=local, outcome="dead_lettered", detail="why", calls=(CALL, CALL), version="abc"
    )
    await fill(new_ledger("w-7"), Batch(entries=[noted]))
    assert await find_history(new_ledger().database) == [
        Line(
            ACCOUNT, ADA, "e1", "user.signed_up", "2026-07-01T12:00:00Z", clock.time(), "dead_lettered",
            "why", (CALL, CALL), "abc", "w-7",
        )
    ]  # fmt: skip


@pytest.fixture
async def filled(ledger: Ledger) -> Ledger:
    """A ledger with lines of three people in two accounts; one event was for both."""
    await fill(ledger, Batch(entries=[entry(ADA, "e1"), entry(BOB, "e2"), entry(ADA, "both")]))
    lines = [entry(ADA, "both"), entry("", "e5"), entry(EVE, None)]
    await fill(ledger, Batch(entries=lines), account="rainy")
    return ledger


async def test_lines_are_found_by_whatever_is_known(filled: Ledger) -> None:
    """Given an address, an event, an account, or some of these, those lines come that fit all of them."""
    database = filled.database
    assert ids(await find_history(database, emails=[ADA])) == ["e1", "both", "both"]
    assert ids(await find_history(database, emails=[ADA, BOB])) == ["e1", "e2", "both", "both"]
    assert ids(await find_history(database, event_id="both")) == ["both", "both"]
    assert ids(await find_history(database, account="rainy")) == ["both", "e5", None]
    assert ids(await find_history(database, emails=[ADA], account=ACCOUNT)) == ["e1", "both"]
    assert ids(await find_history(database, emails=[BOB], event_id="both")) == []
    assert ids(await find_history(database, emails=[])) == []
    assert ids(await find_history(database, emails=["ADA@EXAMPLE.COM"])) == []  # they are kept in one form
    assert ids(await find_history(database, event_id="%")) == []


async def test_the_newest_come_and_the_oldest_of_them_first(filled: Ledger) -> None:
    """Given more lines than are wanted, the last ones that were written come, in their order."""
    assert ids(await find_history(filled.database, limit=2)) == ["e5", None]
    assert ids(await find_history(filled.database)) == ["e1", "e2", "both", "both", "e5", None]
    assert ids(await find_history(filled.database, limit=1, emails=[ADA])) == ["both"]


async def test_old_lines_are_pruned(ledger: Ledger, clock: StandingClock) -> None:
    """Given a moment, what ended before it goes, what ended at it or later stays; it says how many went."""
    now = clock.time()
    lines = [entry(ADA, str(days), at=now - days * DAY) for days in (40, 31, 30, 29, 0)]
    await fill(ledger, Batch([record(ADA, "VIP")], entries=lines))
    assert await prune_history(ledger.database, now - 30 * DAY) == 2
    assert ids(await find_history(ledger.database)) == ["30", "29", "0"]
    assert await prune_history(ledger.database, now - 30 * DAY) == 0


async def test_an_old_address_leads_to_the_later_ones(ledger: Ledger) -> None:
    """Given somebody who moved twice, and in another account once to elsewhere, all those are found."""
    there = "ada@elsewhere.example"
    await fill(ledger, Batch([record(ADA, moved_to=BOB), record(BOB, moved_to=EVE), record(EVE, "VIP")]))
    await fill(ledger, Batch([record(ADA, moved_to=there)]), account="rainy")
    assert await addresses(ledger.database, ADA) == {ADA, BOB, EVE, there}
    assert await addresses(ledger.database, EVE) == {EVE}
    assert await addresses(ledger.database, "nobody@example.com") == {"nobody@example.com"}


async def test_a_circle_of_addresses_ends(ledger: Ledger) -> None:
    """Given somebody who moved and moved back, both addresses are found, and the search ends."""
    await fill(ledger, Batch([record(ADA, moved_to=BOB), record(BOB, moved_to=ADA)]))
    assert await addresses(ledger.database, BOB) == {ADA, BOB}


async def test_a_damaged_state_hinders_no_search(ledger: Ledger) -> None:
    """Given a state that cannot be read, the addresses are found all the same."""
    await fill(ledger, Batch([record(ADA, "VIP", moved_to=BOB)]))
    await execute(ledger, "UPDATE subscribers SET state = :state", state="{")
    assert await addresses(ledger.database, ADA) == {ADA, BOB}


@pytest.mark.parametrize("bad", ["", "{", "1"])
async def test_a_damaged_line_is_named(ledger: Ledger, bad: str) -> None:
    """Given a line of the history that cannot be read, reading it says so."""
    await fill(ledger, Batch(entries=[entry(ADA)]))
    await execute(ledger, "UPDATE history SET calls = :calls", calls=bad)
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        await find_history(ledger.database)


async def test_a_tag_finds_the_events_that_put_it_on_or_took_it_off(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given more lines than are read at once, the newest so many of a tag are found, in any case."""
    monkeypatch.setattr(history, "PORTION", 7)

    def called(number: int, *what: str) -> HistoryEntry:
        return entry(ADA, f"e{number}", calls=tuple({**CALL, "what": each} for each in what))

    lines = [called(number, "Plan 'VIP'", f"tag 'No {number}'") for number in range(40)]
    lines[3] = called(3, "tag 'VIP'", "tag 'Old' off")
    lines[20] = called(20, "tag 'Vip' off")
    lines[30] = called(30, "tag 'VIP'")
    await fill(ledger, Batch(entries=lines))
    assert ids(await find_history(ledger.database, tag=" vip")) == ["e3", "e20", "e30"]
    assert ids(await find_history(ledger.database, tag="VIP", limit=2)) == ["e20", "e30"]
    assert ids(await find_history(ledger.database, tag="old", emails=[ADA])) == ["e3"]
    assert ids(await find_history(ledger.database, tag="VIP", emails=[BOB])) == []
    assert ids(await find_history(ledger.database, tag="VIP'")) == []


async def test_what_came_lately_is_counted_by_type_and_outcome(filled: Ledger) -> None:
    """Given lines of two accounts, some older, those of the last 24 hours in the one account count."""
    noon = NOON.timestamp()
    late = noon + LATELY - 60
    await fill(
        filled,
        Batch(
            entries=[
                entry(ADA, "e7", at=late, outcome="dead_lettered"),
                entry("", "e8", at=late, event_type="order.paid", outcome="ignored"),
            ]
        ),
    )

    assert await seen_lately(filled.database, ACCOUNT, late) == {
        "user.signed_up": Seen(late, {"applied": 3, "dead_lettered": 1}),
        "order.paid": Seen(late, {"ignored": 1}),
    }
    much_later = await seen_lately(filled.database, ACCOUNT, noon + LATELY + 60)
    assert much_later["user.signed_up"] == Seen(late, {"dead_lettered": 1})
    assert await seen_lately(filled.database, ACCOUNT, late + 9 * DAY) == {
        "user.signed_up": Seen(late, {}),
        "order.paid": Seen(late, {}),
    }
    assert await seen_lately(filled.database, "nobody's", late) == {}


async def test_messages_without_a_type_are_counted_too(ledger: Ledger) -> None:
    """Given messages of which no type could be read, they are told under none, beside all the others."""
    types = ["", "a", "a.b", "Z", "é"]
    lines = [entry("", str(number), event_type=kind) for number, kind in enumerate(types * 2)]
    await fill(ledger, Batch(entries=lines))
    await fill(ledger, Batch(entries=[entry("", "other", event_type="m")]), account="rainy")
    found = await seen_lately(ledger.database, ACCOUNT, NOON.timestamp())
    assert found == dict.fromkeys(types, Seen(NOON.timestamp(), {"applied": 2}))
    assert set(await event_types(ledger.database, ACCOUNT)) == {*types} - {""}


async def test_a_persons_lines_come_by_pages(ledger: Ledger) -> None:
    """Given more lines than a page has, each comes once, the newest first, also where others come between."""
    await fill(ledger, Batch(entries=[entry(each, f"e{n}") for n in range(5) for each in (ADA, BOB)]))
    await fill(ledger, Batch(entries=[entry(ADA, "other")]), account="rainy")

    pages, before = list[list[str | None]](), None
    while not pages or before is not None:
        page = await history_page(ledger.database, account=ACCOUNT, emails=[ADA], before=before, limit=2)
        pages.append(ids(list(page.lines)))
        before = page.before

    assert pages == [["e4", "e3"], ["e2", "e1"], ["e0"]]
    assert await history_page(ledger.database, account=ACCOUNT, emails=[EVE]) == Page((), None)


async def test_lines_that_say_something_are_found_portion_by_portion(ledger: Ledger) -> None:
    """Given what people would take for a pattern, it is a text like any other."""
    said = ["imported as run_1-0000001", "why; imported as run_1-0000002", "imported as runx1-0000003", ""]
    await fill(ledger, Batch(entries=[entry(ADA, f"e{at}", detail=each) for at, each in enumerate(said)]))
    await fill(ledger, Batch(entries=[entry(EVE, "e9", detail=said[0])]), account="rainy")
    database, text = ledger.database, "imported as run_1-"
    first = await lines_saying(database, ACCOUNT, text, limit=1)
    second = await lines_saying(database, ACCOUNT, text, after=first[-1][0], limit=1)
    assert ids([line for _, line in [*first, *second]]) == ["e0", "e1"]
    assert await lines_saying(database, ACCOUNT, text, after=second[-1][0]) == []
