"""The page leaves Kit's budget to the workers."""

from __future__ import annotations

import pytest

from worker.ops.kit_reads import PER_LOOK, WINDOW, KitReads


@pytest.mark.parametrize("limit", [120, 600, 101])
def test_the_page_takes_two_per_cent_of_an_hour(limit: int) -> None:
    reads = KitReads()
    looks = sum(reads.take("sunny", limit, 0.0) for _ in range(1000))
    assert 0.015 < looks * PER_LOOK / (limit * 60) <= 0.02
    assert reads.take("rainy", limit, 0.0)
    assert not reads.take("sunny", limit, WINDOW - 1)
    assert reads.take("sunny", limit, WINDOW)


def test_where_kit_allows_next_to_nothing_one_look_is_made() -> None:
    reads = KitReads()
    assert [reads.take("sunny", 1, 0.0) for _ in range(2)] == [True, False]
