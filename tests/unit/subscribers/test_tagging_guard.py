"""Whether too many tags are newly put on within an hour: what counts, from when on, and for how long."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from worker.subscribers.known import RecentTaggings
from worker.subscribers.tagging_guard import (
    BLOCK,
    FEW,
    MINUTE,
    MOST,
    WITHIN,
    NewTagging,
    TaggingEnd,
    TaggingGuard,
    most_taggings,
)

NOW = 1_000_000.0
HOUR_OVER = WITHIN + MINUTE


def test_a_third_of_the_people_may_get_a_tag_or_a_thousand_and_always_a_hundred() -> None:
    assert [most_taggings(None, people) for people in (0, 299, 600, 3000, 10**6)] == [
        FEW,
        FEW,
        200,
        MOST,
        MOST,
    ]


def test_what_the_file_says_is_taken_as_it_is() -> None:
    assert [most_taggings(option, 10) for option in (0, 5, 10**6)] == [0, 5, 10**6]


def test_what_was_new_counts_for_an_hour_and_what_was_there_does_not() -> None:
    guard = TaggingGuard()
    for end in (TaggingEnd.NEW, TaggingEnd.NONE):
        tagging = guard.take("ada", end.name, NOW)
        assert guard.room(NOW, 2) == 2 - guard.under_way - (end is TaggingEnd.NONE)
        tagging.end = end
        guard.ended(tagging)
    assert (guard.room(NOW, 2), guard.under_way) == (1, 0)
    assert guard.room(NOW + WITHIN - MINUTE, 2) == 1
    assert guard.room(NOW + HOUR_OVER, 2) == 2


def test_what_may_have_landed_counts_once_from_its_last_call_on() -> None:
    """Given a call without an answer, the next for the same tag needs no room; nor does it give any back."""
    guard = TaggingGuard()
    lost = guard.take("ada", "vip", NOW)
    lost.end = TaggingEnd.MAYBE
    guard.ended(lost)
    assert guard.is_counted("ada", "vip")
    guard.ended(guard.take("ada", "vip", NOW + WITHIN / 2))  # it was there: by the first call, perhaps
    assert not guard.is_counted("ada", "vip")
    assert guard.room(NOW + HOUR_OVER, 1) == 0
    assert guard.room(NOW + WITHIN / 2 + HOUR_OVER, 1) == 1


def test_what_is_held_counts_too_so_that_a_flood_does_not_go_out_in_portions() -> None:
    guard = TaggingGuard()
    for second in range(0, 2 * WITHIN, MINUTE):
        if guard.room(NOW + second, 3):
            guard.ended(guard.take("ada", str(second), NOW + second))
        guard.hold(NOW + second)
    assert guard.room(NOW + 2 * WITHIN, 3) == 0
    assert guard.holds


def test_the_ledger_hears_all_that_is_counted_once_and_the_next_tenure_knows_it() -> None:
    guard = TaggingGuard()
    guard.learn(RecentTaggings({int(NOW) - 600: 4}, people=900))
    new = guard.take("ada", "vip", NOW)
    new.end = TaggingEnd.NEW
    guard.ended(new)
    guard.hold(NOW)
    unsaved = guard.take_unsaved()
    assert (sum(unsaved.values()), guard.take_unsaved(), guard.people) == (2, {}, 900)
    after = TaggingGuard()
    after.learn(RecentTaggings({int(NOW) - 600: 4, **unsaved}))
    assert after.room(NOW, 10) == guard.room(NOW, 10) == 4


def test_what_was_counted_and_not_written_counts_also_in_a_new_tenure() -> None:
    guard = TaggingGuard()
    guard.take("ada", "vip", NOW)
    guard.learn(RecentTaggings({int(NOW): 1}))
    assert guard.room(NOW, 3) == 1


def test_what_is_counted_ahead_needs_no_write_of_its_own() -> None:
    """Given a flood, ever more of it is counted at once, at most a tenth of the limit, and in the end all."""
    guard, written, waited_at = TaggingGuard(), Counter[int](), list[int]()
    for number in range(1000):
        now = NOW + number / 100
        tagging = guard.take("ada", str(number), now)
        if not tagging.is_ahead:
            guard.reserve(now, 1500)
            written.update(guard.take_unsaved())
            guard.reserved()
            waited_at.append(number)
        tagging.end = TaggingEnd.NEW
        guard.ended(tagging)
    assert waited_at == [0, 21, 44, 90, 182, *range(333, 1000, 151)]
    assert written.total() >= 1000
    guard.let_go()
    written.update(guard.take_unsaved())
    assert written.total() == 1000
    assert guard.room(NOW, 1500) == 500


def test_of_a_small_limit_little_is_counted_ahead() -> None:
    guard = TaggingGuard()
    assert [guard.reserve(NOW + 60 * at, most) for at, most in enumerate((0, 9, 100, 10**6))] == [
        0,
        0,
        10,
        BLOCK,
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.sampled_from(TaggingEnd), st.booleans(), st.booleans()), max_size=80
    )
)
def test_the_ledger_never_counts_less_than_was_called_and_in_the_end_as_much(
    asked: list[tuple[int, TaggingEnd, bool, bool]],
) -> None:
    """Given any calls, and writes of which some are late, each was counted before it began."""
    guard, written, now, under_way = TaggingGuard(), Counter[int](), NOW, list[NewTagging]()
    for wait, end, ends_at_once, more in asked:
        now += wait
        tagging = guard.take("ada", str(len(under_way)), now)
        if not tagging.is_ahead:
            if more:
                guard.reserve(now, 1000)
            written.update(guard.take_unsaved())
            guard.reserved()
        under_way.append(tagging)
        assert written.total() >= len(under_way) - sum(each.end is TaggingEnd.NONE for each in under_way[:-1])
        tagging.end = end
        if ends_at_once or end is not TaggingEnd.MAYBE:
            guard.ended(tagging)
    guard.let_go()
    written.update(guard.take_unsaved())
    counted = sum(each.end is not TaggingEnd.NONE for each in under_way)
    assert sum(written.values()) == counted


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5), st.sampled_from(TaggingEnd)), max_size=120),
    st.integers(0, 6),
)
def test_within_no_hour_more_land_than_may_whatever_comes_of_each(
    asked: list[tuple[int, int, TaggingEnd]], most: int
) -> None:
    """Given any calls at any times, each landing as badly as it may, no hour has more than the limit."""
    guard, now, landed = TaggingGuard(), NOW, list[tuple[float, int]]()
    for wait, who, end in asked:
        now += wait
        if not guard.room(now, most) and not guard.is_counted(str(who), "vip"):
            guard.hold(now)
            continue
        again = guard.is_counted(str(who), "vip")
        tagging = guard.take(str(who), "vip", now)
        tagging.end = end
        guard.ended(tagging)
        if again:  # only one of the two calls did
            landed.remove(next(each for each in reversed(landed) if each[1] == who))
        if again or end is not TaggingEnd.NONE:
            landed.append((now, who))
    for at, _ in landed:
        assert sum(at - WITHIN < each <= at for each, _ in landed) <= most


@given(
    st.lists(
        st.tuples(
            st.integers(0, 400), st.sampled_from(["call", "call", "hold"]), st.sampled_from(TaggingEnd)
        ),
        max_size=80,
    ),
    st.integers(0, 150),
)
def test_whoever_reads_the_ledger_knows_how_many_more_there_may_be(
    asked: list[tuple[int, str, TaggingEnd]], most: int
) -> None:
    """Given any calls, of which some are counted ahead, once all is written the ledger tells what is left."""
    guard, count, ahead, now = TaggingGuard(), Counter[int](), Counter[int](), NOW

    def write() -> None:
        count.update(guard.take_unsaved())
        ahead.update(guard.take_unsaved_ahead())

    for number, (wait, kind, end) in enumerate(asked):
        now += wait
        if kind == "hold" or not guard.room(now, most):
            guard.hold(now)
        else:
            tagging = guard.take("ada", str(number), now)
            if not tagging.is_ahead:
                guard.reserve(now, most)
                write()
                guard.reserved()
            tagging.end = end
            guard.ended(tagging)
        write()
        reader = TaggingGuard()
        reader.learn(RecentTaggings({minute: count[minute] - ahead[minute] for minute in count}))
        assert reader.room(now, most) == guard.room(now, most)
