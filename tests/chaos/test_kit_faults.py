"""What Kit may do: nobody is wrong afterwards, and nothing is lost."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos import kit_faults
from tests.chaos.harness import Arena
from tests.chaos.load import with_new_addresses
from tests.integration.expected import make_events
from tests.integration.harness import until
from worker.sandbox import Fault, FaultKind, Rule

pytestmark = pytest.mark.timeout(180)


SHORT = {"429", "500-landed", "hang-landed", "login"}
"""Those of the wrong answers that the short form tries."""


@pytest.mark.parametrize(
    "answer",
    [pytest.param(name, marks=() if name in SHORT else pytest.mark.full) for name in kit_faults.LASTING],
)
async def test_kit_answers_wrongly_for_a_while(arena: Arena, answer: str) -> None:
    """Given a Kit that gives every answer in one wrong way, the account holds, the other goes on."""
    async with arena.running(events=600, per_second=80, KIT_TIMEOUT="2"):
        await arena.settled(100)
        async with arena.beside_goes_on(), kit_faults.ANSWERS[answer](arena):
            account = await arena.red()
            assert account["state"] == "held"
            await asyncio.sleep(3)
        await arena.green()
    names = arena.worker.events_logged()
    assert names.count("hold_started") >= 1
    assert names.count("hold_started") == names.count("hold_ended")


@pytest.mark.full
@pytest.mark.timeout(900)
async def test_kit_limits_for_ten_minutes(arena: Arena) -> None:
    """Given 429 for ten minutes, the account asks at most once a minute, and then goes on."""
    async with arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with arena.beside_goes_on(), kit_faults.ANSWERS["429"](arena):
            await arena.red()
            await asyncio.sleep(540)
            before = arena.sandbox.journal.count(account=arena.main.name)
            await asyncio.sleep(60)
            assert arena.sandbox.journal.count(account=arena.main.name) - before <= 3
        await arena.green(seconds=90)


@pytest.mark.parametrize("method", kit_faults.RESETS)
async def test_reset_after_the_request_was_read(arena: Arena, method: str) -> None:
    """Given writes whose answers never come, landed or not, each ends as if it had been made once."""
    events = with_new_addresses(make_events(600, 60, seed=61), every=20)
    async with arena.running(events=events, per_second=80):
        await arena.settled(60)
        async with arena.beside_goes_on(), kit_faults.AFTER_READING[method](arena):
            await until(lambda: arena.faults_met(method) >= {"reset", "reset (applied)"})
            await arena.settled(200)
        await arena.green()


async def test_keep_alive_connections_closed(arena: Arena) -> None:
    """Given connections that Kit closes unannounced, no event is held up for long, and none is lost."""
    async with arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with arena.beside_goes_on(), kit_faults.keep_alive_closed(arena):
            await arena.settled(400)
        await arena.green()


async def test_401_in_the_middle(arena: Arena) -> None:
    """Given a credential that is refused for a while, its account stops, and goes on when somebody saves."""
    async with arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with arena.beside_goes_on(), kit_faults.refused(arena):
            account = await arena.red()
            assert account["state"] == "credential_refused"
            await until(lambda: "credential_refused" in arena.worker.events_logged())
        file = arena.account_file(arena.main)
        file.write_text(file.read_text(encoding="utf-8") + "# saved again\n", encoding="utf-8")
        await arena.green()
    names = arena.worker.events_logged()
    assert names.count("credential_refused") == 1


async def test_401_for_ever(arena: Arena) -> None:
    """Given a credential that is refused for ever, its events wait in RabbitMQ, and the other goes on."""
    arena.allow("queued", "nothing of the account can be applied")
    arena.allow("wrong", "nothing of the account can be applied")
    async with arena.running(events=300, per_second=60, settle=10, green=False):
        await arena.settled(50)
        async with arena.beside_goes_on():
            arena.sandbox.faults.add(Rule(Fault(FaultKind.UNAUTHORIZED), account=arena.main.name))
            account = await arena.red()
            assert account["state"] == "credential_refused"
            await asyncio.sleep(3)
    assert arena.row is not None
    assert arena.row.verdicts[0].outcomes["dead_lettered"] == 0


async def test_lists_five_minutes_late(arena: Arena) -> None:
    """Given lists that show what was made only five minutes later, no tag or field is made twice."""
    arena.sandbox.list_lag = 300
    async with arena.running(events=600):
        await arena.settled(100)
        await arena.kill(arena.worker)
        await arena.start_again(arena.worker)


async def test_tags_and_fields_deleted(arena: Arena) -> None:
    """Given tags and custom fields that vanish just after they were made, everybody gets theirs."""
    async with kit_faults.things_deleted(arena), arena.running(events=600, per_second=80):
        await arena.settled(300)
    view = arena.sandbox.account(arena.main.key)
    made = [call for call in arena.sandbox.calls(arena.main.key) if call.status == 201]
    of_things = [call for call in made if call.path in {"/v4/tags", "/v4/custom_fields"}]
    assert len(of_things) > len(view.tags()) + len(view.custom_fields())  # some were made twice


async def test_people_change_their_addresses(arena: Arena) -> None:
    """Given people who change their addresses, and kills in mid-work, each has all theirs at the last one."""
    events = with_new_addresses(make_events(600, 60, seed=67), every=10)
    async with arena.running(events=events, per_second=100):
        for count in (100, 250, 400):
            await arena.settled(count)
            await arena.kill(arena.worker)
            await arena.start_again(arena.worker)
