"""Which calls a change needs: a plan, before anything is sent."""

from __future__ import annotations

import pytest

from tests.unit.examples import EMAIL, change
from worker.kit.plan import MAX_FIELDS, Plan, Upsert, plan
from worker.mapping import Options
from worker.subscribers.change import Part

OPTIONS = Options()
IF_CREATED = Options(first_name="if_created")


def fields(count: int) -> dict[str, str | None]:
    return {f"field {number}": f"value {number}" for number in range(count)}


def values(upsert: Upsert) -> dict[str, str | None]:
    return {name: part.value for name, part in upsert.fields.items()}


def test_a_known_subscriber_whose_tags_change_needs_no_upsert() -> None:
    made = plan(change(add=("New",), remove=("Old",)), OPTIONS, known=True)

    assert made.upserts == ()
    assert (list(made.removals), list(made.additions)) == (["old"], ["new"])


def test_an_unknown_subscriber_is_made_sure_of_first() -> None:
    assert plan(change(add=("New",)), OPTIONS, known=False).upserts == (Upsert({}),)


def test_a_known_subscriber_of_whom_nothing_is_asked_needs_no_call() -> None:
    assert plan(change(), OPTIONS, known=True) == Plan((), None, {}, {})


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (MAX_FIELDS, [10]), (MAX_FIELDS + 1, [10, 1]), (20, [10, 10]), (25, [10, 10, 5])],
)
def test_at_most_ten_fields_go_into_one_call(count: int, sizes: list[int], *, known: bool) -> None:
    made = plan(change(fields=fields(count), first_name="Ada"), OPTIONS, known=known)

    assert [len(upsert.fields) for upsert in made.upserts] == sizes
    assert {name: value for upsert in made.upserts for name, value in values(upsert).items()} == fields(count)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("count", [0, 1, 11])
def test_the_first_name_goes_with_the_first_call(count: int, *, known: bool) -> None:
    made = plan(change(fields=fields(count), first_name="Ada"), OPTIONS, known=known)

    first, *others = [upsert.first_name for upsert in made.upserts]
    assert first is not None
    assert first.value == "Ada"
    assert others == [None] * (len(made.upserts) - 1)
    assert made.name_if_created is None


@pytest.mark.parametrize("known", [True, False])
def test_a_first_name_only_for_new_people_waits_until_it_is_known_who_is_new(*, known: bool) -> None:
    asked = change(first_name="Ada")

    made = plan(asked, IF_CREATED, known=known)

    assert made.upserts == (() if known else (Upsert({}),))
    assert made.name_if_created == asked.first_name


@pytest.mark.parametrize("state", ["active", "inactive"])
def test_an_upsert_names_the_state_of_people_whom_it_creates(state: str) -> None:
    options = Options(subscriber_state=state)  # type: ignore[arg-type]  # each of the two

    assert Upsert({}).body(EMAIL, options, {}) == {"email_address": EMAIL, "state": state}


def test_an_upsert_uses_the_fields_keys_and_null_clears() -> None:
    asked = change(fields={"Plan": "Annual", "Ends at": None}, first_name="Ada")

    body = Upsert(asked.fields, asked.first_name).body(EMAIL, OPTIONS, {"Plan": "plan", "Ends at": "ends_at"})

    assert body["fields"] == {"plan": "Annual", "ends_at": None}
    assert body["first_name"] == "Ada"


def test_what_is_not_asked_is_not_sent() -> None:
    """Kit overwrites the first name whenever it is given, also with an empty one."""
    assert Upsert({}, None).body(EMAIL, OPTIONS, {}).keys() == {"email_address", "state"}
    named: Part[str] | None = change(first_name="Ada").first_name
    assert Upsert({}, named).body(EMAIL, OPTIONS, {}).keys() == {"email_address", "state", "first_name"}
