"""What `forget` does while others hold dead letters, and what it says is left where it could not do all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from pydantic import SecretStr

from tests.unit.page.known import USER, ada, know
from worker.broker.topology import dead_letter_queue
from worker.clock import Clock
from worker.dead_letters import operations
from worker.dead_letters.letter import DeadLetter, read_dead_letter
from worker.dead_letters.selection import Selects
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery
from worker.events.event import FIRST
from worker.ledger import forgetting as forgetting_module
from worker.ledger.database import Database
from worker.ledger.forgetting import Erased
from worker.ledger.newest import kept_people
from worker.ledger.person import known_person
from worker.ledger.store import Ledger
from worker.ops import forget
from worker.ops.forget import Forgetting
from worker.subscribers.known import Batch, NewestEvent
from worker.subscribers.record import Record

ADA, BOB = "ada@example.com", "bob@example.com"
SETTINGS: Any = SimpleNamespace(amqp_url=SecretStr("amqp://127.0.0.1:9/"))


class DeadLetters:
    """Sunny's dead letters, which others may hold, and some of which come late; in the place of RabbitMQ.

    Attributes:
        held: For how many looks somebody else still holds letters.
        late: Letters that come once somebody has looked.
    """

    def __init__(self, *letters: DeadLetter) -> None:
        self.letters = list(letters)
        self.held = 0
        self.late: list[DeadLetter] = []

    async def discard(
        self, _: object, account: str, about: Selects, done: Callable[[DeadLetter], None], *, queue: str
    ) -> bool:
        """Do what `operations.discard` does."""
        if queue != dead_letter_queue(account):
            return True
        if self.held:
            self.held -= 1
            return False
        for each in [each for each in self.letters if about.matches(each)]:
            self.letters.remove(each)
            done(each)
        self.letters, self.late = [*self.letters, *self.late], []
        return True


def letter_of_user(user: str) -> DeadLetter:
    """A dead letter in which a person's id stands, and no address."""
    body = json.dumps({"data": {"user": {"id": user}}}).encode()
    return read_dead_letter(Delivery(body, "sunny", {"message_id": user}, {"x-reason": "no"}), "sunny")


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """The ledger, which knows Ada."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="a tool", clock=Clock()) as ledger:
        await ledger.ready()
        await know(tmp_path, ada("VIP"))
        yield ledger


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> DeadLetters:
    """A letter of Ada's, and one of somebody else's."""
    queue = DeadLetters(letter_of_user(USER), letter_of_user("u-bob"))
    monkeypatch.setattr(forget, "connected", lambda *_: nullcontext(cast("Any", None)))
    monkeypatch.setattr(operations, "discard", queue.discard)
    monkeypatch.setattr(forget, "AGAIN_AFTER", 0.0)
    monkeypatch.setattr(forget, "HEARD_WITHIN", 0.0)
    return queue


async def test_while_others_hold_letters_the_ledger_keeps_by_what_to_find_them(
    ledger: Ledger, queue: DeadLetters
) -> None:
    """Given a letter that names the person by an id alone, a second forget finds it, too."""
    queue.held = forget.TRIES
    with pytest.raises(
        BrokerUnavailable, match="somebody else holds dead letters of sunny; nothing was erased"
    ):
        await Forgetting(ADA, elsewhere=False).run(SETTINGS, ledger, ["sunny"])
    assert (await known_person(ledger.database, "sunny", ADA)).record is not None

    again = Forgetting(ADA, elsewhere=False)
    await again.run(SETTINGS, ledger, ["sunny"])

    assert (await known_person(ledger.database, "sunny", ADA)).record is None
    assert [each.id for each in again.letters] == [USER]
    assert [each.id for each in queue.letters] == ["u-bob"]
    assert again.left() == []


async def test_who_has_just_left_the_letters_is_waited_for(ledger: Ledger, queue: DeadLetters) -> None:
    queue.held = forget.TRIES - 1
    forgetting = Forgetting(ADA, elsewhere=False)
    await forgetting.run(SETTINGS, ledger, ["sunny"])
    assert ([each.id for each in forgetting.letters], forgetting.left()) == ([USER], [])


async def test_a_letter_that_comes_while_the_person_is_erased_goes_as_well(
    ledger: Ledger, queue: DeadLetters
) -> None:
    queue.late = [letter_of_user(USER)]
    forgetting = Forgetting(ADA, elsewhere=False)
    await forgetting.run(SETTINGS, ledger, ["sunny"])
    assert [each.id for each in forgetting.letters] == [USER, USER]
    assert [each.id for each in queue.letters] == ["u-bob"]


@pytest.mark.usefixtures("queue")
async def test_what_is_kept_of_others_meanwhile_and_mentions_the_person_goes_as_well(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given Bob's event, kept between the look through what is kept and the end, it mentions nobody then."""

    async def erased_meanwhile(*given: object, **named: object) -> list[Erased]:
        found = await forgetting_module.forget(*given, **named)  # type: ignore[arg-type]
        message = msgspec.msgpack.encode((json.dumps({"by": USER}).encode(), {}, {}))
        kept = NewestEvent(BOB, "", "order.paid", "", FIRST, message)
        await ledger.save(await ledger.take("sunny"), Batch([Record(BOB, 8)], newest=[kept]))
        return found

    monkeypatch.setattr(forget, "forget", erased_meanwhile)
    forgetting = Forgetting(ADA, elsewhere=False)
    await forgetting.run(SETTINGS, ledger, ["sunny"])
    (bob,) = await kept_people(ledger.database, "sunny")
    assert bob.events == (("order.paid", b""),)
    assert (forgetting.searched, forgetting.left()) == (True, [])


def forgetting(*, searched: bool = True, **known: object) -> Forgetting:
    """Ada, erased from the ledger of one account."""
    erased = Erased(
        "sunny", addresses=frozenset({ADA}), user_ids=frozenset({"7"}), records=1, people=1, history=2
    )
    return Forgetting(ADA, erased=[erased], searched=searched, **known)  # type: ignore[arg-type]


def test_after_all_was_done_nothing_is_left() -> None:
    assert forgetting().left() == []


def test_dead_letters_that_were_not_looked_through_are_named_by_every_sign_of_the_person() -> None:
    (said,) = forgetting(searched=False).left()

    assert "dead letters may be left that name 7, ada@example.com: look with" in said


def test_whose_dead_letters_somebody_else_holds_is_said_first() -> None:
    first, second = forgetting(unseen=["sunny", "rainy"]).left()

    assert first == "somebody else holds dead letters of sunny, rainy, which were not seen"
    assert "dead letters may be left" in second


def test_a_file_in_which_the_person_may_still_be_read_comes_with_its_reason_and_remedy() -> None:
    why, what = forgetting(readable="ledger.db", why="the ledger is busy").left()

    assert why == "the ledger is busy"
    assert what.endswith("readable in ledger.db until you run kit-worker forget ada@example.com again")
