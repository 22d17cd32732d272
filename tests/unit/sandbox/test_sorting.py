"""The orders in which people are listed."""

from __future__ import annotations

import pytest

from worker.sandbox import Sandbox
from worker.sandbox.pagination import cursor

from .bulk_calls import VALUES, bulk
from .harness import TOKEN, Kit, kit

START = 1_800_000_000.0  # 2027-01-15T08:00:00Z


class Clock:
    """The time of day, which a test moves on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


async def names(call: Kit, query: str) -> list[str]:
    reply = await call("GET", f"/v4/subscribers?status=all&{query}")
    return [each["email_address"].partition("@")[0] for each in reply.json["subscribers"]]


async def three_people(call: Kit, clock: Clock) -> None:
    """Ada, Ben and Cy, in this order; then Ada gets a name, and Cy and Ada unsubscribe."""
    ids = [await call.subscriber(f"{name}@example.com") for name in ("ada", "ben", "cy")]
    for number, (method, path, body) in enumerate(
        [
            ("PUT", f"/v4/subscribers/{ids[0]}", {"first_name": "Ada"}),
            ("POST", f"/v4/subscribers/{ids[2]}/unsubscribe", None),
            ("POST", f"/v4/subscribers/{ids[0]}/unsubscribe", None),
            ("POST", f"/v4/subscribers/{ids[2]}/unsubscribe", None),  # again, which changes nothing
        ],
        1,
    ):
        clock.now = START + number
        await call(method, path, body)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["cy", "ben", "ada"]),
        ("sort_field=id&sort_order=desc", ["cy", "ben", "ada"]),
        ("sort_order=asc", ["ada", "ben", "cy"]),
        ("sort_field=updated_at", ["ada", "cy", "ben"]),
        ("sort_field=updated_at&sort_order=asc", ["ben", "cy", "ada"]),
        ("sort_field=cancelled_at&status=cancelled", ["ada", "cy"]),
        ("sort_field=cancelled_at&sort_order=asc&status=cancelled", ["cy", "ada"]),
    ],
)
async def test_people_are_sorted_by_what_kit_sorts_by(query: str, expected: list[str]) -> None:
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        await three_people(call, clock)

        assert await names(call, query) == expected


async def test_a_tagging_is_no_update_and_a_value_is_one() -> None:
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        ada, _ = [await call.subscriber(f"{name}@example.com") for name in ("ada", "ben")]
        tag, _ = await call.tag(), await call.custom_field("Plan")
        clock.now += 1
        await call("POST", f"/v4/tags/{tag}/subscribers/{ada}")
        after_tagging = await names(call, "sort_field=updated_at")
        await call.subscriber("ada@example.com", fields={"plan": "Annual"})

        assert after_tagging == ["ben", "ada"]
        assert await names(call, "sort_field=updated_at") == ["ada", "ben"]


async def test_a_value_of_a_bulk_call_is_an_update_too() -> None:
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        view = call.sandbox.account(TOKEN)
        ada, ben = [view.add_subscriber(f"{name}@example.com") for name in ("ada", "ben")]
        value = {
            "subscriber_id": ada,
            "subscriber_custom_field_id": view.add_custom_field("Plan"),
            "value": "x",
        }
        clock.now += 1
        await bulk(call, VALUES, value)
        listed = await call("GET", "/v4/subscribers?sort_field=updated_at", token=TOKEN)

    assert [each["id"] for each in listed.json["subscribers"]] == [ada, ben]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", ["id", "updated_at", "cancelled_at"])
async def test_cursors_hold_in_every_order(field: str, order: str) -> None:
    """Given people of whom several share a time, and one who is new between two pages."""
    ended = field == "cancelled_at"
    status = "cancelled" if ended else "all"
    query = f"sort_field={field}&sort_order={order}&per_page=2&status={status}"
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        for number in range(5):
            clock.now = START + number // 2
            state = "cancelled" if ended or number % 3 else "active"
            await call.subscriber(f"p{number}@example.com", state=state)
        whole = await names(call, query.replace("per_page=2", "per_page=5"))
        page = (await call("GET", f"/v4/subscribers?{query}")).json
        seen = [each["email_address"][:2] for each in page["subscribers"]]
        if order == "desc":  # so that a new one comes before the first page
            clock.now = START + 9
            await call.subscriber("new@example.com", state="cancelled")
        while page["pagination"]["has_next_page"]:
            after = page["pagination"]["end_cursor"]
            page = (await call("GET", f"/v4/subscribers?{query}&after={after}")).json
            seen += [each["email_address"][:2] for each in page["subscribers"]]
        back = await names(call, f"{query}&before={page['pagination']['start_cursor']}")

    assert seen == whole
    assert back == whole[2:4]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("sort_field=first_name", "Sort field is invalid: it is one of id, updated_at, cancelled_at"),
        ("sort_order=up", "Sort order is invalid: it is one of asc, desc"),
        (
            "status=all&sort_field=cancelled_at",
            "The status param must be `cancelled` if sort_field is `cancelled_at`",
        ),
        (f"sort_field=updated_at&after={cursor((1,))}", "After is invalid"),
        (f"before={cursor(('2027-01-15T08:00:00.000Z', 1))}", "Before is invalid"),
        (f"after={cursor(('1',))}", "After is invalid"),
    ],
)
async def test_another_field_another_order_and_a_cursor_of_another_order_are_refused(
    query: str, error: str
) -> None:
    async with kit() as call:
        reply = await call("GET", f"/v4/subscribers?{query}")

    assert (reply.status, reply.json) == (422, {"errors": [error]})


async def test_those_who_have_a_tag_come_in_the_order_of_tagging_the_last_one_first() -> None:
    """Given three who were tagged within one second, in another order than they came to Kit."""
    async with kit(Sandbox(wall=Clock())) as call:
        ids = [await call.subscriber(f"{name}@example.com") for name in ("ada", "ben", "cy")]
        path = f"/v4/tags/{await call.tag()}/subscribers"
        for person in (ids[1], ids[2], ids[0]):
            await call("POST", f"{path}/{person}")
        first = (await call("GET", f"{path}?per_page=2")).json
        second = (await call("GET", f"{path}?per_page=2&after={first['pagination']['end_cursor']}")).json

    assert [each["id"] for each in first["subscribers"]] == [ids[0], ids[2]]
    assert [each["id"] for each in second["subscribers"]] == [ids[1]]
    assert first["pagination"]["end_cursor"] == cursor(("2027-01-15T08:00:00.000Z", 2))
