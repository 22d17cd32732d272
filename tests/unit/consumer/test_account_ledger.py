"""One account's way to the ledger: it waits out whatever is wrong, and says so once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from structlog.testing import capture_logs

from tests.unit.virtual_time import VirtualClock, run
from worker.accounts.account import Account
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.holds import Holds
from worker.consumer.shared import Shared
from worker.errors import CredentialRefused, EpochLost, LedgerUnavailable, LedgerWentBack
from worker.kit.catalog import Catalog
from worker.kit.names import Names
from worker.ledger.failures import Usability
from worker.ledger.takeover import Tenure
from worker.subscribers.identity import home_app
from worker.subscribers.known import Batch, KitName, Known
from worker.subscribers.record import Record

NOTHING_KNOWN = Known({}, {}, {})


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@dataclass
class Kept:
    """A ledger in memory, which may be broken.

    Attributes:
        broken: What fails: `take`, `load` or `save`.
        epoch: Whoever took the account last has it.
    """

    broken: set[str] = field(default_factory=set)
    epoch: int = 0
    saved: list[Batch] = field(default_factory=list)
    released: int = 0
    names: list[KitName] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    tenures: list[Tenure] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)
    database: Any = field(default_factory=lambda: SimpleNamespace(usability=Usability()))

    async def take(self, account: str, kit_account: int, apps: Collection[str]) -> Tenure:
        await self._do("take")
        self.epoch += 1
        return Tenure(
            account,
            self.epoch,
            0,
            kit_account,
            known_since=float(self.epoch),
            names=tuple(self.names),
            home_app=home_app(apps),
        )

    async def load(self, tenure: Tenure, _: Collection[str], __: Collection[str]) -> Known:
        await self._do("load", tenure)
        return NOTHING_KNOWN

    async def save(self, tenure: Tenure, batch: Batch) -> None:
        self.numbers.append(batch.number)
        await self._do("save", tenure)
        self.saved.append(batch)
        self.names += batch.names

    async def release(self, tenure: Tenure) -> None:
        await self._do("release", tenure)
        self.released += 1

    async def _do(self, what: str, tenure: Tenure | None = None) -> None:
        self.calls.append(what)
        if tenure is not None:
            self.tenures.append(tenure)
        await asyncio.sleep(0.01)
        if what in self.broken:
            raise LedgerUnavailable(f"{what} does not work")
        if tenure is not None and tenure.epoch != self.epoch:
            raise EpochLost("somebody else has it")


@dataclass
class FakeShared:
    """A ledger, and whose the Kit account is that an account's credential opens."""

    ledger: Any
    owner: str = ""

    async def take_kit_account(self, *_: object) -> None:
        if self.owner:
            raise CredentialRefused(f"its Kit account is that of {self.owner}")


@dataclass
class FakeKitAccount:
    """Both what is known of Kit and the way there."""

    owned_by: str = ""
    unanswered: bool = False
    created: int = 0
    names: Names = field(default_factory=Names)

    @property
    def lists(self) -> FakeKitAccount:
        return self

    @property
    def client(self) -> FakeKitAccount:
        return self

    def take_sent(self) -> int:
        return 3

    def take_named(self) -> list[KitName]:
        return self.names.take_new()

    def recall(self, names: Iterable[KitName]) -> None:
        self.names.recall(names)

    async def account_id(self) -> int:
        await asyncio.sleep(0.01)
        return 7

    async def ask(self, question: Callable[[], Awaitable[int]]) -> int:
        return await question()

    def take_created(self) -> int:
        created, self.created = self.created, 0
        return created

    def count_created(self, before: int) -> None:
        self.created = before


def ledger_of(kept: Kept, kit: FakeKitAccount | None = None) -> AccountLedger:
    kit = kit or FakeKitAccount()
    shared = FakeShared(kept, kit.owned_by)
    account, catalog, holds = Account("sunny", ("bakery",)), cast("Catalog", kit), cast("Holds", kit)
    return AccountLedger(account, cast("Shared", shared), catalog, holds)


def test_what_somebody_else_found_out_about_the_ledger_holds_the_account_too() -> None:
    """Given no event at all, and a look at the ledger that failed, the account is held until one succeeds."""
    kept = Kept()
    ledger, usability = ledger_of(kept), kept.database.usability
    with pytest.raises(LedgerUnavailable), usability.of_use(writes=False):
        raise LedgerUnavailable("it is away")
    assert ledger.problem == "it is away"
    with usability.of_use(writes=False):
        pass
    assert ledger.problem == ""


def batch() -> Batch:
    return Batch([Record("ada@example.com")])


def test_a_read_and_a_write_at_once_take_the_account_once() -> None:
    """Given both are the first of a session, then neither loses the account to the other."""
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        await asyncio.gather(ledger.load((), (), may_take=False), ledger.save(batch()))

    run(main())
    assert (kept.epoch, len(kept.saved)) == (1, 1)


@pytest.mark.parametrize("broken", ["take", "load", "save"])
def test_what_fails_is_tried_until_it_works_and_told_once(broken: str) -> None:
    kept = Kept({broken})

    async def main() -> list[Any]:
        ledger = ledger_of(kept)
        with capture_logs() as logs:
            working = asyncio.gather(ledger.load((), (), may_take=True), ledger.save(batch()))
            await asyncio.sleep(30)
            assert ledger.problem == f"{broken} does not work"
            kept.broken.clear()
            await working
            assert ledger.problem == ""
        return [line["event"] for line in logs]

    assert run(main()) == ["ledger_unavailable", "ledger_back"]
    assert len(kept.saved) == 1
    assert kept.calls.count(broken) > 3


def test_a_batch_keeps_its_number_however_often_it_is_tried() -> None:
    """Given a write that fails, its repetitions are known as such, and the next write as another."""
    kept = Kept({"save"})

    async def main() -> None:
        ledger = ledger_of(kept)
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(10)
        kept.broken.clear()
        await saving
        await ledger.save(batch())

    run(main())
    *tries, last = kept.numbers
    assert len(tries) > 2
    assert set(tries) == {1}
    assert last == 2


def test_a_batch_of_a_tenure_that_is_over_is_not_tried_in_the_next() -> None:
    """Given a write that fails until the account was lost and taken anew, then it goes with its tenure."""
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        kept.broken.add("save")
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(1)
        kept.epoch += 1
        await ledger.load((), (), may_take=True)
        kept.broken.clear()
        await saving

    with pytest.raises(EpochLost):
        run(main())
    assert kept.saved == []


def test_a_ledger_that_can_be_read_but_not_written_stays_a_problem() -> None:
    """Given a full disk, then reads that go well do not say that all is well."""
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        kept.broken.add("save")
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(1)
        await ledger.load((), (), may_take=False)
        assert ledger.problem == "save does not work"
        saving.cancel()

    run(main())


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


def test_each_question_says_what_was_written_before() -> None:
    """Given batches that were written, reads and writes name the last one, and so does the end."""
    kept = Kept()

    async def main() -> list[int]:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        await ledger.save(batch())
        await ledger.save(batch())
        await ledger.load((), (), may_take=False)
        await ledger.release()
        return [tenure.batch for tenure in kept.tenures]

    assert run(main()) == [0, 0, 1, 2, 2]


def test_a_ledger_that_went_back_ends_the_session_whatever_is_in_hand() -> None:
    """Given nothing older in hand, the account is not taken anew under what the session remembers."""

    class PutBack(Kept):
        async def load(self, tenure: Tenure, _: Collection[str], __: Collection[str]) -> Known:
            self.calls.append("load")
            raise LedgerWentBack(tenure.account)

    kept = PutBack()
    with pytest.raises(LedgerWentBack):
        run(ledger_of(kept).load((), (), may_take=True))
    assert kept.calls == ["take", "load"]


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
