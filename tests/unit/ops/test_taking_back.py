"""Just what the rows of a run gave is taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.unit.ops.backfill.test_plan import bench, row
from tests.unit.ops.backfill.test_run import WHO, handed_over, tags_of, work_off
from worker.events.event import Imported
from worker.ops.backfill.run import undo

T = "2024-01-01T00:{:02}:00Z"
ADA = {"id": "u-1", "email": "ada@example.com"}
BOB = {"id": "u-1", "email": "bob@example.com"}
LEFT = {"id": "s-1", "plan": "Annual"}
PAID = row("order.paid", time=T.format(20), total=50)
TAKEN_BACK: Mapping[str, tuple[list[bytes], list[bytes], list[bytes], set[str]]] = {
    "what is left of one subscription when another ends": (
        [],
        [
            row("subscription.canceled", time=T.format(56), subscription={"id": "s-2"}),
            row("subscription.started", time=T.format(17), subscription=LEFT),
        ],
        [],
        set(),
    ),
    "that, where the other had ended before": (
        [row("subscription.canceled", time=T.format(56), subscription={"id": "s-2"})],
        [row("subscription.started", time=T.format(17), subscription=LEFT)],
        [],
        set(),
    ),
    "what a later row asked for, too, at another address": (
        [],
        [
            row("user.signed_up", time=T.format(1), user=ADA),
            row("user.updated", time=T.format(2), user=BOB),
            row("user.signed_up", time=T.format(3), user=BOB),
        ],
        [],
        set(),
    ),
    "what waited until another row created the person": (
        [],
        [row("user.signed_up", time=T.format(10)), PAID],
        [],
        set(),
    ),
    "not what had waited for the person": (
        [PAID],
        [row("user.signed_up", time=T.format(30))],
        [],
        {"customer"},
    ),
    "not what the person had at another address": (
        [row("user.signed_up", time=T.format(10), user=ADA)],
        [row("user.updated", time=T.format(20), user=BOB)],
        [],
        {"new member"},
    ),
    "not what a subscription holds that is heard of later": (
        [],
        [row("subscription.started", time=T.format(17), subscription=LEFT)],
        [row("subscription.started", time=T.format(5), subscription={"id": "s-3"})],
        {"active member"},
    ),
    "but for what is asked for since, whatever else goes": (
        [],
        [row("user.signed_up", time=T.format(10)), PAID],
        [row("user.signed_up", time=T.format(15), id="e-1")],
        {"new member"},
    ),
    "not what another event of the same time asks for": (
        [],
        [row("user.signed_up", time=T.format(10))],
        [row("user.signed_up", time=T.format(10), id="e-1")],
        {"new member"},
    ),
    "not what another subscription holds that started at the same time": (
        [],
        [row("subscription.started", time=T.format(17), subscription=LEFT)],
        [row("subscription.started", time=T.format(17), subscription={"id": "s-9"}, id="e-1")],
        {"active member", "plan basic"},
    ),
    "not what another event of the same subscription says of the same time": (
        [],
        [row("subscription.started", time=T.format(17), subscription=LEFT)],
        [row("subscription.started", time=T.format(17), subscription={"id": "s-1"}, id="e-1")],
        {"active member", "plan basic"},
    ),
    "what a row gave that came twice": (
        [],
        [row("subscription.started", time=T.format(17), subscription=LEFT, id="e-1")] * 2,
        [],
        set(),
    ),
    "what is there by another row, of a time at which something else happened since": (
        [],
        [row("user.signed_up", time=T.format(10)), row("user.signed_up", time=T.format(15))],
        [row("order.paid", time=T.format(15), id="e-1", total=50)],
        {"customer"},
    ),
}
"""Events of before, a file, events since, and the tags that stay once the file is undone."""


@pytest.mark.parametrize("case", TAKEN_BACK)
async def test_just_what_the_rows_gave_is_taken_back(case: str) -> None:
    before, rows, since, stay = TAKEN_BACK[case]
    async with bench() as it:
        it.kit.add_subscriber(BOB["email"])
        for body in before:
            await it.live(body, json.loads(body)["type"])
        run = await handed_over(it, rows, Imported())
        for body in since:
            await it.live(body, json.loads(body)["type"])
        await undo(it.ledger, it.account.name, run, WHO)
        await work_off(it)
        assert {tag for tags in tags_of(it.has()).values() for tag in tags} == stay


async def test_a_row_is_taken_back_of_which_a_copy_came_in_another_file_at_an_earlier_line() -> None:
    started = row("subscription.started", time=T.format(17), subscription=LEFT, id="e-1")
    async with bench() as it:
        it.kit.add_subscriber(BOB["email"])
        run = await handed_over(it, [PAID, started], Imported())
        await handed_over(it, [started], Imported())
        await undo(it.ledger, it.account.name, run, WHO)
        await work_off(it)
        assert not any(tags_of(it.has()).values())
