"""Kept events of others that mention somebody who is forgotten: that they came stays; on both databases."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final

import msgspec
import pytest

from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, EVE, fill, order, record
from worker.ledger import kept_mentions
from worker.ledger.forgetting import forget
from worker.ledger.kept_mentions import erase_kept_mentions
from worker.ledger.newest import kept_people
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, NewestEvent, Person

MANY: Final = int(os.environ.get("KEPT_EVENTS", "3000"))
"""With 300,000 it takes minutes, most of which is filling the ledger."""
WORK: Final = "ada@work.example"


def kept_as(headers: dict[str, Any] | None = None, **values: Any) -> bytes:  # noqa: ANN401  # any value of an event
    """Return an event of Bob's with these values, as `consumer.newest` keeps it."""
    data = {"user": {"id": "u-b", "email": BOB}, **values}
    body = json.dumps({"id": "e-1", "type": "order.paid", "data": data}).encode()
    return msgspec.msgpack.encode((body, {"content_type": "application/json"}, headers or {}))


def event(minute: int, message: bytes, email: str = BOB, of: str = "") -> NewestEvent:
    return NewestEvent(email, "", "order.paid", of or f"s-{minute}", order(minute), message)


async def kept(ledger: Ledger, account: str = ACCOUNT) -> dict[str, list[bytes]]:
    """Return what is kept of each person, the oldest first."""
    people = await kept_people(ledger.database, account)
    return {each.record.email: [message for _, message in each.events] for each in people}


async def test_mentions_go_with_the_person_under_every_address_and_id(ledger: Ledger) -> None:
    """Given Ada, who has moved, and what is kept of Bob, all that mentions her is only known to have come."""
    others = [
        kept_as(referrer="eva@example.com"),
        kept_as(note="for u-a"),
        kept_as({"x-for": "ad@home.example"}),
    ]
    hers = [
        kept_as(referrer=f"Ada <{ADA.upper()}>"), kept_as(link="/?to=ada%40work.example"), kept_as(by="u-a"),
        kept_as({"x-for": ADA}), f"not as it is kept: {WORK}".encode(),
    ]  # fmt: skip
    newest = [event(number, message) for number, message in enumerate([*others, *hers])]
    ada = Batch(
        [record(ADA, moved_to=WORK), record(WORK), record(BOB)], [Person("u-a", WORK, 5.0)], newest=newest
    )
    await fill(ledger, ada)

    await forget(ledger, WORK, [])

    assert await kept(ledger) == {BOB: [*others, *[b""] * len(hers)]}


async def test_an_id_is_one_accounts_and_an_address_all_of_them(ledger: Ledger) -> None:
    """Given Ada, whom one account knows by an id, in another that id is anybody's; her address is hers."""
    each = Batch([record(BOB)], newest=[event(1, kept_as(by="u-a")), event(2, kept_as(by=ADA))])
    await fill(ledger, Batch([record(ADA), *each.records], [Person("u-a", ADA)], newest=each.newest))
    await fill(ledger, each, account="rainy")
    await fill(ledger, each, account="snowy")

    await forget(ledger, ADA, [])
    assert await kept(ledger) == {BOB: [b"", b""]}
    assert await kept(ledger, "rainy") == {BOB: [kept_as(by="u-a"), b""]}

    await forget(ledger, "nobody@example.com", ["snowy"], elsewhere=False)
    assert await kept(ledger, "snowy") == {BOB: [kept_as(by="u-a"), b""]}


async def test_in_one_account_alone_nothing_of_the_others_is_looked_at(ledger: Ledger) -> None:
    each = Batch([record(BOB)], newest=[event(1, kept_as(by=ADA))])
    for account in (ACCOUNT, "rainy"):
        await fill(ledger, each, account=account)
    await forget(ledger, ADA, [ACCOUNT], elsewhere=False)
    assert (await kept(ledger), await kept(ledger, "rainy")) == ({BOB: [b""]}, {BOB: [kept_as(by=ADA)]})


async def test_workers_go_on_meanwhile_and_what_is_newer_stays(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a portion that was read, an event that takes the place of one of it is not erased unread."""
    batch = Batch(
        [record(BOB), record(EVE)], newest=[event(1, kept_as(by=ADA), of="s"), event(2, kept_as(by=ADA), EVE)]
    )
    tenure = await fill(ledger, batch)
    erase, saved = kept_mentions._erase, kept_as(by="somebody else")

    async def late(*given: Any) -> None:  # noqa: ANN401  # as the original has them
        async with asyncio.timeout(3):
            await ledger.save(tenure, Batch(newest=[event(9, saved, of="s")]))
        await erase(*given)

    monkeypatch.setattr(kept_mentions, "PORTION", 1)
    monkeypatch.setattr(kept_mentions, "_erase", late)
    await erase_kept_mentions(ledger.database, ACCOUNT, {ADA}, ())
    assert await kept(ledger) == {BOB: [saved], EVE: [b""]}


@pytest.mark.timeout(120 + MANY / 500)
async def test_a_few_are_found_among_many(ledger: Ledger) -> None:
    """Given people with three events each, of which a few mention Ada, just those are erased."""
    people = [f"person{number}@example.com" for number in range(MANY // 3)]
    plain, hers = kept_as({"x-trace": "0" * 200}, note="tea & cake " * 20), kept_as(referrer=ADA)
    tenure = await fill(ledger, Batch())
    for start in range(0, len(people), 1000):
        some = people[start : start + 1000]
        newest = [
            event(minute, hers if minute == 2 and number % 500 == 0 else plain, email)
            for number, email in enumerate(some)
            for minute in range(3)
        ]
        await ledger.save(tenure, Batch([record(each) for each in some], newest=newest))

    erased = await erase_kept_mentions(ledger.database, ACCOUNT, {ADA}, {"u-a"})
    assert erased == (MANY + 1499) // 1500
    assert await erase_kept_mentions(ledger.database, ACCOUNT, {ADA}, {"u-a"}) == 0
