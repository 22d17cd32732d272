"""Who an event is about, through all stages: ids that are none, ids within their apps."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from tests.unit.consumer.world import World, adds
from tests.unit.examples import event
from tests.unit.virtual_time import run, settle
from worker.errors import Reason
from worker.mapping.options import Options
from worker.subscribers.identity import NO_HOME

PAID = replace(adds("Bought {data.product}", kind="order.paid"), apps=("site-a", "site-b"))


def paid(world: World, number: int, email: str, user_id: object, app: str = "site-a") -> int:
    """Let somebody buy a product of that number; the message's number."""
    data = {"user": {"email": email, "id": user_id}, "product": str(number)}
    happened = event(number)
    plain = {"id": happened.id, "type": "order.paid", "time": happened.time.isoformat(), "data": data}
    return world.delivers(json.dumps(plain).encode(), f"order.paid.{app}")


@pytest.mark.parametrize("none", [0, "0", -1, "guest", "NULL"])
def test_guests_with_an_id_that_is_none_are_as_many_people_as_they_have_addresses(none: object) -> None:
    async def main() -> None:
        world = World(account=PAID)
        async with world.running():
            for number, name in enumerate(("kim", "leo", "mia")):
                paid(world, number, f"{name}@example.com", none)
            await world.until_settled()
        assert world.kit.tags == {
            "kim@example.com": {"Bought 0"},
            "leo@example.com": {"Bought 1"},
            "mia@example.com": {"Bought 2"},
        }
        assert world.ledger.people == {}

    run(main())


@pytest.mark.parametrize("home", ["site-a", "site-b", NO_HOME])
def test_one_id_in_two_apps_is_two_people(home: str) -> None:
    """Given 7 of one app and 7 of another, whichever is the account's home, nobody takes anybody's place."""

    async def main() -> None:
        world = World(account=PAID)
        world.ledger.home_app = home
        async with world.running():
            for number, name, app in ((1, "ann", "site-a"), (2, "bob", "site-b"), (3, "ann", "site-a")):
                paid(world, number, f"{name}@example.com", 7, app)
            await world.until_settled()
        assert world.kit.tags == {
            "ann@example.com": {"Bought 1", "Bought 3"},
            "bob@example.com": {"Bought 2"},
        }
        assert len(world.ledger.people) == 2

    run(main())


NAMES = ("kim", "leo", "mia", "noa")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_one_id_for_everybody_is_one_event_applied_and_the_others_conflicts(order: tuple[int, ...]) -> None:
    """Given four addresses with one id at once, and each thrice, nobody has what is another one's."""

    async def main() -> None:
        world = World(account=PAID)
        world.kit.budget.clear()
        async with world.running():
            came = {paid(world, n, f"{NAMES[n]}@example.com", "acct-9"): n for n in order * 3}
            await settle()
            world.kit.budget.set()
            await world.until_settled()
        first = order[0]
        assert world.kit.tags == {f"{NAMES[first]}@example.com": {f"Bought {first}"}}
        conflicts = {number for number, why in world.settled.items() if why is Reason.IDENTITY_CONFLICT}
        assert conflicts == {number for number, n in came.items() if n != first}
        assert all("options.identity: email" in world.details[number] for number in conflicts)
        assert [each.email for each in world.ledger.people.values()] == [f"{NAMES[first]}@example.com"]

    run(main())


def test_by_address_they_are_four_people() -> None:
    async def main() -> None:
        world = World(account=replace(PAID, options=Options(identity="email")))
        async with world.running():
            for number, name in enumerate(NAMES):
                paid(world, number, f"{name}@example.com", "acct-9")
            await world.until_settled()
        assert world.kit.tags == {f"{name}@example.com": {f"Bought {n}"} for n, name in enumerate(NAMES)}
        assert world.ledger.people == {}

    run(main())


def test_a_saved_file_decides_about_what_waits_for_somebody() -> None:
    """Given a conflict that waits for the ledger, a file that tells by address makes it that person's own."""

    async def main() -> None:
        world = World(account=PAID)
        world.ledger.reads = 1.0
        async with world.running():
            paid(world, 1, "kim@example.com", "acct-9")
            paid(world, 2, "leo@example.com", "acct-9")
            await settle()
            world.reloads(replace(PAID, options=Options(identity="email"), version="2"))
            await world.until_settled()
        assert world.kit.tags == {"kim@example.com": {"Bought 1"}, "leo@example.com": {"Bought 2"}}

    run(main())


def test_what_comes_of_the_same_people_waits_behind_what_has_to_wait() -> None:
    """Given Bob's move to an address where something is in hand, who comes to his place waits behind it."""

    async def main() -> None:
        world = World(account=adds("VIP", kind="user.updated"))
        world.kit.budget.clear()
        async with world.running():
            for number, (user, name) in enumerate(
                (("", "x"), ("b", "y"), ("b", "x"), ("a", "y"), ("c", "z"))
            ):
                data = {"user": {"email": f"{name}@example.com", "id": user}}
                time = event(number).time.isoformat()
                body = {"id": f"e-{number}", "type": "user.updated", "time": time, "data": data}
                world.delivers(json.dumps(body).encode(), "user.updated")
            await settle()
            waits = {(item.user_id, item.email) for item in world.intake._parked}
            assert waits == {("b", "x@example.com"), ("a", "y@example.com")}
            world.kit.budget.set()
            await world.until_settled()

    run(main())
