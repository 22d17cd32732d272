"""The account is taken with the first question, lost, taken anew and released; what comes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.unit.consumer.account_ledger.kept import NOTHING_KNOWN, FakeKitAccount, Kept, batch, ledger_of
from tests.unit.consumer.surroundings import FakeConsumer
from tests.unit.virtual_time import run
from worker.consumer.holds import SEEN_FOR, Holds
from worker.consumer.receive import Consumer
from worker.errors import CredentialRefused, EpochLost
from worker.kit.client import KitClient
from worker.ledger.takeover import Tenure
from worker.subscribers.known import Batch, KitName, Known


def test_a_read_and_a_write_at_once_take_the_account_once() -> None:
    """Given both are the first of a session, then neither loses the account to the other."""
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        await asyncio.gather(ledger.load((), (), may_take=False), ledger.save(batch()))

    run(main())
    assert (kept.epoch, len(kept.saved)) == (1, 1)


@pytest.mark.parametrize("fresh", [True, False])
def test_an_account_that_was_lost_is_taken_anew_only_with_nothing_older_in_hand(*, fresh: bool) -> None:
    kept = Kept()

    async def main() -> Known:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        kept.epoch += 1
        return await ledger.load((), (), may_take=fresh)

    if fresh:
        assert run(main()) == NOTHING_KNOWN
        assert kept.epoch == 3
    else:
        with pytest.raises(EpochLost):
            run(main())


def test_a_write_of_an_account_that_was_lost_is_never_written() -> None:
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        kept.epoch += 1
        await ledger.save(batch())

    with pytest.raises(EpochLost):
        run(main())
    assert kept.saved == []


def test_answers_are_known_from_the_tenure_on_and_releasing_ends_it() -> None:
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        assert ledger.known_since == float("inf")
        await ledger.release()
        assert kept.released == 0  # there was nothing to release
        await ledger.load((), (), may_take=True)
        assert ledger.known_since == 1.0
        await ledger.release()
        assert (kept.released, ledger.known_since) == (1, float("inf"))

    run(main())


def test_releasing_in_vain_does_no_harm() -> None:
    kept = Kept()

    async def main() -> list[Any]:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        kept.broken.add("release")
        with capture_logs() as logs:
            await ledger.release()
        return [line["event"] for line in logs]

    assert run(main()) == ["release_failed"]


def test_with_the_account_comes_what_was_created_and_whether_calls_may_be_under_way() -> None:
    """Given a holder who left without a word, Kit is asked something harmless before anything is written."""

    class Doubted(Kept):
        async def take(self, account: str, kit_account: int, apps: Collection[str]) -> Tenure:
            return replace(await super().take(account, kit_account, apps), created_tags=3, in_doubt=True)

    kit = FakeKitAccount()

    async def main() -> None:
        await ledger_of(Doubted(), kit).load((), (), may_take=True)

    run(main())
    assert (kit.created, kit.unanswered) == (3, True)


def test_each_answer_says_that_the_account_is_ours_as_of_the_question() -> None:
    async def main() -> None:
        kept, kit = Kept(), FakeKitAccount()
        ledger = ledger_of(kept, kit)
        await ledger.load((), (), may_take=True)  # takes it, too
        await ledger.save(Batch())
        await ledger.confirm()
        began = 0.01  # Kit was asked which account it is
        assert kit.seen == pytest.approx([began, began + 0.01, began + 0.02, began + 0.03])
        kept.epoch += 1
        for asking in (ledger.confirm(), ledger.save(Batch())):
            with pytest.raises(EpochLost):
                await asking
        assert len(kit.seen) == 4

    run(main())


def test_an_account_that_was_lost_for_long_is_taken_anew() -> None:
    """Given a tenure that nobody has confirmed lately, Kit may be asked which account it is for the next."""

    async def main() -> None:
        kept, kit, consumer = Kept(), FakeKitAccount(), cast("Consumer", FakeConsumer())
        holds = Holds(
            "sunny", cast("KitClient", SimpleNamespace(worked_at=lambda: 0.0)), consumer, kept.clock
        )

        async def account_id() -> int:
            holds.check()
            return 7

        kit.account_id = account_id  # type: ignore[method-assign]
        ledger = ledger_of(kept, kit, holds)
        await ledger.load((), (), may_take=True)
        kept.epoch += 1
        await asyncio.sleep(SEEN_FOR)
        async with asyncio.timeout(60):
            await ledger.load((), (), may_take=True)
        assert (ledger.epoch, holds.must_ask) == (3, False)

    run(main())


async def test_what_names_mean_in_kit_is_written_and_recalled_with_the_next_tenure() -> None:
    kept, kit, vip = Kept(), FakeKitAccount(), KitName("tags", "vip", 7, "VIP")
    kit.names.note(vip)
    ledger = ledger_of(kept, kit)
    await ledger.load((), (), may_take=True)
    assert kit.names.note(vip)  # the ledger did not have it yet
    await ledger.save(Batch(created_tags=1))
    again = FakeKitAccount()
    await ledger_of(kept, again).load((), (), may_take=True)

    assert again.names.of("tags") == [vip]
    assert kept.saved[0].names == [vip]
    assert kept.saved[0].calls == 3  # as the client says


async def test_the_home_app_counts_from_the_tenure_on() -> None:
    ledger = ledger_of(Kept())
    assert ledger.home_app == ""
    await ledger.load((), (), may_take=True)
    assert ledger.home_app == "bakery"


async def test_an_account_is_not_taken_whose_kit_account_is_another_ones() -> None:
    """Given a credential that opens another account's Kit account, it is refused, and nothing is read."""
    kept = Kept()
    with pytest.raises(CredentialRefused, match="that of rainy"):
        await ledger_of(kept, FakeKitAccount(owned_by="rainy")).load((), (), may_take=True)
    assert kept.calls == []
