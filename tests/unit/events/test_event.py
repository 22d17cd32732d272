"""An event's place among those of one person."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from worker.events.event import arrival_of

EPOCHS = st.integers(1, 2**42 - 2)
TAGS = st.integers(1, 2**21 - 1)


@given(epochs=st.tuples(EPOCHS, EPOCHS), tags=st.tuples(TAGS, TAGS))
def test_a_later_tenure_is_newer_and_within_one_the_channel_counts(
    epochs: tuple[int, int], tags: tuple[int, int]
) -> None:
    """Given any two messages, whichever processes received them, the ledger's epochs decide."""
    one, other = (arrival_of(epoch, tag) for epoch, tag in zip(epochs, tags, strict=True))
    places = list(zip(epochs, tags, strict=True))
    assert (one < other) == (places[0] < places[1])
    assert max(one, other) < 2**63


def test_it_is_newer_than_the_nanoseconds_of_its_own_moment() -> None:
    """Given a ledger with numbers of an earlier version, which were nanoseconds since 1970."""
    for year in (2026, 2050, 2100):
        moment = datetime(year, 1, 1, tzinfo=UTC).timestamp()
        assert moment * 1_000_000_000 < arrival_of(round(moment * 1000), 1) < 2**63
