"""The dates by which lists of people are filtered, and their edges."""

from __future__ import annotations

import pytest

from worker.sandbox import Sandbox

from .harness import KEY, Kit, kit

START = 1_800_000_000.0  # 2027-01-15T08:00:00Z
DAY = 86_400.0


class Clock:
    """The time of day, which a test moves on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


async def names(call: Kit, path: str) -> list[str]:
    """Return who is listed, in the order of their ids."""
    reply = await call("GET", path)
    assert reply.status == 200, reply.text
    people = sorted(reply.json["subscribers"], key=lambda each: each["id"])
    return [each["email_address"].partition("@")[0] for each in people]


async def three_days(call: Kit, clock: Clock) -> list[int]:
    """Ada comes on the 15th at eight, Ben on the 16th at midnight, Cy on the 16th at eight."""
    ids = []
    for name, at in (("ada", START), ("ben", START + DAY * 2 / 3), ("cy", START + DAY)):
        clock.now = at
        ids.append(await call.subscriber(f"{name}@example.com"))
    return ids


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("created_after=2027-01-14", ["ada", "ben", "cy"]),
        ("created_after=2027-01-15", ["ada", "ben", "cy"]),
        ("created_after=2027-01-16", ["cy"]),  # Ben came at its first moment
        ("created_after=2027-01-17", []),
        ("created_before=2027-01-15", []),
        ("created_before=2027-01-16", ["ada"]),
        ("created_before=2027-01-17", ["ada", "ben", "cy"]),
        ("created_after=2027-01-15&created_before=2027-01-16", ["ada"]),
        ("created_after=2027-01-15T08:00:00Z", ["ben", "cy"]),
        ("created_after=2027-01-15T07:59:59.5Z", ["ada", "ben", "cy"]),
        ("created_before=2027-01-15T08:00:00.5Z", ["ada"]),
        ("created_before=2027-01-15T08:00:00", []),
        ("created_after=2027-01-16T09:00:00%2B01:00", []),
        ("created_after=2027-01-16T08:59:59%2B01:00", ["cy"]),
        ("created_after=&created_before=", ["ada", "ben", "cy"]),
    ],
)
async def test_people_are_filtered_by_when_they_came(query: str, expected: list[str]) -> None:
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        await three_days(call, clock)

        assert await names(call, f"/v4/subscribers?{query}") == expected


async def test_what_moves_when_somebody_changes_is_when_they_were_updated() -> None:
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        ids, tag = await three_days(call, clock), await call.tag()
        clock.now = START + 3 * DAY
        await call("PUT", f"/v4/subscribers/{ids[0]}", {"first_name": "Ada"})
        await call("POST", f"/v4/tags/{tag}/subscribers/{ids[1]}")  # which is no update (assumed)
        await call("POST", f"/v4/subscribers/{ids[2]}/unsubscribe")
        lists = [f"/v4/subscribers?status=all&updated_{when}=2027-01-17" for when in ("after", "before")]

        assert [await names(call, path) for path in lists] == [["ada", "cy"], ["ben"]]
        assert await names(call, "/v4/subscribers?status=all&created_after=2027-01-17") == []


async def test_those_who_have_a_tag_are_filtered_by_when_they_got_it() -> None:
    """Given people who were tagged in another order than they came, either time can be asked for."""
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        ids, tag = await three_days(call, clock), await call.tag()
        for number, person in enumerate(reversed(ids), 2):
            clock.now = START + number * DAY
            await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        path = f"/v4/tags/{tag}/subscribers"

        assert await names(call, f"{path}?tagged_after=2027-01-18") == ["ada", "ben"]
        assert await names(call, f"{path}?tagged_before=2027-01-18") == ["cy"]
        assert await names(call, f"{path}?tagged_before=2027-01-19&created_after=2027-01-16") == ["cy"]


async def test_those_who_were_added_to_a_form_are_filtered_by_when_that_was() -> None:
    clock = Clock()
    async with kit(Sandbox(wall=clock)) as call:
        ids = await three_days(call, clock)
        form = call.sandbox.account(KEY).add_form("Newsletter")
        for number, person in enumerate(ids, 2):
            clock.now = START + number * DAY
            await call("POST", f"/v4/forms/{form}/subscribers/{person}")
        path = f"/v4/forms/{form}/subscribers"

        assert await names(call, f"{path}?added_after=2027-01-18") == ["ben", "cy"]
        assert await names(call, f"{path}?added_before=2027-01-18&created_before=2027-01-16") == ["ada"]


@pytest.mark.parametrize(
    "said", ["yesterday", "2027-13-01", "2027-02-30", "01/15/2027", "0001-01-01T00:00%2B23:00"]
)
async def test_what_is_no_date_is_refused_in_words(said: str) -> None:
    async with kit() as call:
        reply = await call("GET", f"/v4/subscribers?updated_after={said}")

    assert (reply.status, reply.json) == (422, {"errors": ["Updated after is invalid"]})


async def test_when_somebody_was_tagged_is_no_question_about_all_people() -> None:
    async with kit() as call:
        assert (await call("GET", "/v4/subscribers?tagged_after=2027-01-15")).status == 422


async def test_dates_are_asked_of_what_a_list_shows_which_lags() -> None:
    """Given a list that is five minutes late, an update of just now is none yet."""
    clock = Clock()
    async with kit(Sandbox(wall=clock, list_lag=300.0)) as call:
        person = await call.subscriber()
        clock.now += 2 * DAY
        await call("PUT", f"/v4/subscribers/{person}", {"first_name": "Ada"})
        path = "/v4/subscribers?updated_after=2027-01-16"
        early = await names(call, path)
        clock.now += 300

        assert (early, await names(call, path)) == ([], ["ada"])
