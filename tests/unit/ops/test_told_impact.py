"""What people are told of whom another file would treat otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tests.unit.accounts.harness import KIT, parse
from worker.ops.file_impact import Example, FileImpact
from worker.ops.told_impact import LONGEST, MOST_TOLD, NONE_KEPT, ONLY_OF_THEM, limit_of, minutes_of, told

FOUND = FileImpact(
    people=5_000,
    otherwise=2_500,
    gained=Counter({"Yearly": 2_500, "Rare": 1}),
    lost=Counter({"Annual": 2_000}),
    fields=Counter({"Plan": 3}),
    new_taggings=Counter({"Yearly": 2_400}),
    calls=5_000,
    examples=[Example("ada@example.com", ("Yearly",), ("Annual",), ())],
)


def test_what_would_be_otherwise_is_told_with_what_it_costs() -> None:
    found = told(FOUND, 120)
    assert found.is_somebody
    assert found.sentence == "2,500 of 5,000 people would be treated otherwise."
    assert found.new == "New taggings, each of which may start an automation and send mail: 2,400."
    assert found.costs == (
        "To bring it about: 5,000 calls to Kit, 41.7 minutes at its limit of 120 a minute (with OAuth fewer "
        "calls)."
    )
    assert found.tags == (("Yearly", 2_500, 2_400, 0), ("Annual", 0, 0, 2_000), ("Rare", 1, 0, 0))
    assert found.fields == (("Plan", 3),)
    assert (found.more, found.unknown) == ("", (ONLY_OF_THEM,))
    assert minutes_of(FOUND, 600) == 8.3
    assert "2 calls to Kit, a few seconds at its limit" in told(FileImpact(calls=2), 120).costs


def test_what_is_due_then_is_told() -> None:
    assert told(FOUND, 120).due == ""
    assert told(replace(FOUND, due=1_200, due_no_more=3), 120).due == (
        "Set for later: 1,200 effects, each at its time (at, until). Set for later by now, and then no more: "
        "3 effects."
    )


def test_nobody_is_told_as_nobody() -> None:
    found = told(FileImpact(people=3), 120)
    assert (found.is_somebody, found.sentence) == (False, "Nobody would be treated otherwise, of 3 people.")


def test_what_is_not_known_is_told() -> None:
    found = told(FileImpact(people=3, partly_known=2, without_events=1), 120)
    assert found.unknown[0].startswith("Of 2 people not all is known: they have something by an event that")
    assert found.unknown[1] == "Of 1 people no event is kept; they stay as they are."


def test_where_nothing_is_kept_of_anybody_one_sentence_says_so() -> None:
    assert told(FileImpact(people=3, without_events=3), 120).unknown == (NONE_KEPT, ONLY_OF_THEM)
    assert told(FileImpact(), 120).unknown == (ONLY_OF_THEM,)


def test_however_much_there_is_it_has_a_bound() -> None:
    """Given a tag and a field for each person, as placeholders make them, those of most people are told."""
    many = Counter({f"t{number}": 1 for number in range(1_000)}) + Counter({"x" * 5_000: 2})
    example = Example("a@example.com", ("y" * 5_000,), (), ())
    found = told(replace(FOUND, gained=many, lost=Counter(), fields=many, examples=[example]), 120)
    assert (len(found.tags), len(found.fields)) == (MOST_TOLD, MOST_TOLD)
    assert found.more == "Not told one by one: 951 more tags, 951 more fields."
    assert found.tags[0].gained == 2
    longest = max(len(name) for name in (found.tags[0].tag, found.fields[0].field, *found.examples[0].gained))
    assert longest <= LONGEST


def test_a_setting_comes_before_the_limit_of_the_credential() -> None:
    account = parse(KIT)
    assert (limit_of(account, 0), limit_of(account, 60)) == (120, 60)
    assert limit_of(replace(account, credential=None), 0) == 120
