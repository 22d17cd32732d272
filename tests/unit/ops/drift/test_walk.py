"""A walk over an account, against the sandbox: by pages, left and gone on with, of a new and an old Kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from tests.clocks import StandingClock
from tests.unit.examples import NOON
from worker.accounts.account import Account
from worker.events.event import OrderKey
from worker.kit.access import KitAccess
from worker.kit.credentials import ApiKey
from worker.ledger.database import Database
from worker.ledger.drift import Progress
from worker.ledger.store import Ledger
from worker.ops.drift.share import BudgetShare
from worker.ops.drift.walk import Step, Walk
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.subscribers.change import Change
from worker.subscribers.drifted import DriftKind, DriftRow
from worker.subscribers.known import Batch, KitName
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart

KEY: Final = "key-of-sunny-0001"
ACCOUNT: Final = Account("sunny", credential=ApiKey(SecretStr(KEY)))
ORDER: Final = OrderKey("", NOON, 1)
PEOPLE: Final = 2_300
"""Three pages."""
CHANGED: Final = (0, 998, 999, 1_000, 1_500, 2_299)
GIVEN: Final = DriftRow(DriftKind.TAG_MISSING, "VIP")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(keys={KEY: "Sunny"}, limit=False).running() as running:
        yield running


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="w-1", clock=StandingClock(NOON.timestamp())) as made:
        yield made


def known(sandbox: Sandbox, email: str, tags: Iterable[str] = ("VIP",)) -> Record:
    """Let Kit have somebody with tags, and return what is known of them."""
    kit = sandbox.account(KEY)
    id_, at = kit.add_subscriber(email, tags=tags), NOON.timestamp()
    ids = kit.tags()
    given = {
        name.lower(): KnownPart(Part(TagWish(name, present=True), ORDER), at, ids[name]) for name in tags
    }
    return Record(email, kit_id=id_, tags=given, ensured=ORDER)


async def saved(ledger: Ledger, records: list[Record], names: Iterable[KitName] = ()) -> None:
    """Write records, an hour before what follows."""
    tenure = await ledger.take("sunny")
    await ledger.save(tenure, Batch(records=records, names=list(names), number=1))
    assert isinstance(ledger.clock, StandingClock)
    ledger.clock.wait(3600)


def changed(sandbox: Sandbox, people: Iterable[int]) -> None:
    """Take the tag off people by hand."""
    kit = sandbox.account(KEY)
    vip = kit.tags()["VIP"]
    for number in people:
        person = kit.account.with_email(address(number))
        assert person is not None
        kit.account.memberships.untag(vip, person, sandbox.wall())


def address(number: int) -> str:
    return f"person{number:05}@example.com"


@asynccontextmanager
async def walking(
    sandbox: Sandbox, ledger: Ledger, progress: Progress | None = None
) -> AsyncIterator[tuple[Walk, BudgetShare]]:
    settings = Settings(_env_file=None, kit_base_url=sandbox.url, kit_rate_limit=10**6)
    share = BudgetShare(10**6, lambda: True, ledger.clock)
    async with KitAccess(settings, ledger).client("sunny", ApiKey(SecretStr(KEY))) as client:
        client.gate = share
        walk = Walk(ledger, client, share, ACCOUNT)
        walk.progress = progress or walk.progress
        yield walk, share


async def all_steps(sandbox: Sandbox, ledger: Ledger, progress: Progress | None = None) -> list[Step]:
    async with walking(sandbox, ledger, progress) as (walk, _):
        return [step async for step in walk.steps()]


def found(steps: Iterable[Step]) -> dict[str, tuple[DriftRow, ...]]:
    return {each.email: each.rows for step in steps for each in step.found}


async def members(sandbox: Sandbox, ledger: Ledger) -> None:
    records = [known(sandbox, address(number)) for number in range(PEOPLE)]
    vip = sandbox.account(KEY).tags()["VIP"]
    await saved(ledger, records, [KitName("tags", "vip", vip, "VIP")])


async def test_every_page_is_compared_by_one_call_and_everybody_who_differs_by_two(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    """The last one of a page and the first one of the next are found as any other."""
    await members(sandbox, ledger)
    changed(sandbox, CHANGED)

    steps = await all_steps(sandbox, ledger)

    assert found(steps) == {address(number): (GIVEN,) for number in CHANGED}
    last = steps[-1].progress
    assert (last.people, last.left_out, last.counts) == (PEOPLE, 0, {"tag_missing": len(CHANGED)})
    assert last.calls == 3 + 3 + 2 * len(CHANGED)


async def test_it_goes_on_from_each_step(sandbox: Sandbox, ledger: Ledger) -> None:
    """Wherever a walk is left, another one finds the rest."""
    await members(sandbox, ledger)
    changed(sandbox, range(980, 1_080))
    steps = await all_steps(sandbox, ledger)
    assert len(steps) > 3

    for number in range(1, len(steps)):
        rest = await all_steps(sandbox, ledger, steps[number - 1].progress)

        assert found(rest) == found(steps[number:])
        assert rest[-1].progress.people == PEOPLE
        assert rest[-1].progress.counts == steps[-1].progress.counts


async def test_a_step_that_could_not_be_kept_is_taken_once_more(sandbox: Sandbox, ledger: Ledger) -> None:
    """Given somebody who breaks off at each step first, all is found, and what was renamed counts once."""
    await members(sandbox, ledger)
    kit = sandbox.account(KEY)
    changed(sandbox, range(980, 1_030))
    kit.account.tags.rename(kit.tags()["VIP"], "V.I.P.", sandbox.wall())
    kept = list[Step]()
    async with walking(sandbox, ledger) as (walk, share):
        broke_off = -1
        while not (kept and kept[-1].is_last):
            async with aclosing(walk.steps()) as steps:
                async for step in steps:
                    if len(kept) > broke_off:
                        broke_off = len(kept)
                        break
                    kept.append(step)

    assert found(kept).keys() == {address(number) for number in range(980, 1_030)}
    assert kept[-1].progress.counts == {"tag_missing": 50, "tag_renamed": 1}
    assert (kept[-1].progress.people, kept[-1].progress.calls) == (PEOPLE, share.calls)


async def test_of_a_kit_that_lists_no_tags_the_people_of_each_tag_are_asked_for(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    sandbox.unknown_parameters = ("include",)
    await members(sandbox, ledger)
    changed(sandbox, CHANGED)

    steps = await all_steps(sandbox, ledger)

    assert found(steps) == {address(number): (GIVEN,) for number in CHANGED}
    assert sandbox.count(KEY, endpoint="GET /v4/tags/{tag_id}/subscribers") == 3


async def test_who_was_just_written_or_is_owed_something_is_left_out(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    owed = replace_owed(known(sandbox, address(0)))
    await saved(ledger, [owed, known(sandbox, address(1))])
    tenure = await ledger.take("sunny")
    await ledger.save(tenure, Batch(records=[known(sandbox, address(2))], number=1))
    changed(sandbox, range(3))

    steps = await all_steps(sandbox, ledger)

    assert found(steps) == {address(1): (GIVEN,)}
    assert steps[-1].progress.left_out == 2


def replace_owed(record: Record) -> Record:
    wish = Part(TagWish("Other", present=True), ORDER)
    return replace(record, owed=Change(tags={"other": wish}))


async def test_what_only_a_list_says_is_not_told(sandbox: Sandbox, ledger: Ledger) -> None:
    """Given lists that still show somebody whose address was put right, nothing is told of them."""
    record = known(sandbox, address(0))
    kit = sandbox.account(KEY)
    await saved(ledger, [replace(record, first_name=KnownPart(Part("Ada", ORDER), NOON.timestamp()))])
    kit.add_subscriber(address(0), first_name="Grace")
    sandbox.list_lag = 300.0
    kit.add_subscriber(address(0), first_name="Ada")

    steps = await all_steps(sandbox, ledger)

    assert found(steps) == {}
    assert steps[-1].progress.calls == 3 + 1 + 1


async def test_what_was_renamed_or_deleted_in_kit_is_told_once(sandbox: Sandbox, ledger: Ledger) -> None:
    """Given a tag that is gone, and one with another name, nobody is told to lack the first."""
    records = [known(sandbox, address(number), ("VIP", "Old")) for number in range(3)]
    kit = sandbox.account(KEY)
    old = kit.tags()["Old"]
    await saved(ledger, records, [KitName("tags", "old", old, "Old")])
    kit.account.tags.rename(old, "New", sandbox.wall())
    kit.delete_tag("VIP")

    steps = await all_steps(sandbox, ledger)

    assert found(steps) == {}
    last = steps[-1].progress
    assert last.names == {("tags", "VIP", ""): 3, ("tags", "old", "New"): 0}
    assert last.counts == {"tag_deleted": 1, "tag_renamed": 1}
