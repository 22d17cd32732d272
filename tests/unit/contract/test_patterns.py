"""The contract's patterns say what the worker does."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from worker.contract.patterns import BASE64, EMAIL, TIME
from worker.errors import InvalidEvent
from worker.events.envelope import from_base64
from worker.events.times import parse_time
from worker.subscribers.identity import normalize_email

ASCII = st.characters(min_codepoint=32, max_codepoint=126)


def fits(pattern: str, text: str) -> bool:
    """As JSON Schema searches for it."""
    return re.search(pattern, text) is not None


def is_address(text: str) -> bool:
    try:
        normalize_email(text)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    try:
        parse_time("time", text)
    except InvalidEvent:
        return False
    return True


def is_base64(text: str) -> bool:
    try:
        from_base64(text)
    except InvalidEvent:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com", "Ada.Lovelace+news@mail.example.co.uk", "o'hara@example.test",
        "zoë@bücher.example", "a@xn--bcher-kva.example", f"{'a' * 64}@example.com", f"a@{'b' * 63}.com",
        "1@2.c3c", "用户@例子.公司",
    ],
)  # fmt: skip
def test_an_address_is_one(text: str) -> None:
    assert fits(EMAIL, text)
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "ada@exa mple.com",
        "ada@example.com.",
        "ada.@example.com", ".ada@example.com", "a..da@example.com", "ada@-example.com", "ada@example-.com",
        "ada@example..com", "ada@localhost", "ada@x.Local", "ada@example.invalid", "ada@ab--c.com",
        "ada@10.0.0.1", "ada@[10.0.0.1]", '"ada"@example.com', "Ada <ada@example.com>", "ada at example.com",
        f"a@{'b' * 64}.com", f"{'a' * 250}@example.com", "ada@exam_ple.com",
        "ada@example.com, bob@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_none(text: str) -> None:
    assert not fits(EMAIL, text)
    assert not is_address(text)


@given(
    st.emails(domains=st.sampled_from(["example.com", "a.b-c.d", "x.onion", "ab--c.io", "e.x1"])),
    ASCII,
    st.integers(0, 30),
)
@settings(max_examples=300)
def test_of_ascii_the_pattern_accepts_the_addresses_that_the_worker_accepts(
    address: str, letter: str, at: int
) -> None:
    """Given an address with one character put in somewhere, then both say the same of it."""
    changed = address[:at] + letter + address[at:]
    assume(changed == changed.strip())

    assert fits(EMAIL, changed) == is_address(changed)


@pytest.mark.parametrize(
    "text", ["2026-07-01T10:00:00Z", "2024-02-29t23:59:59.123456789z", "2000-02-29T00:00:00+14:00"]
)
def test_a_time_is_one(text: str) -> None:
    assert fits(TIME, text)
    assert is_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01",
        "2026-07-01T10:00Z",
        "2026-07-01 10:00:00Z",
        "20260701T100000Z",
        "1782900000",
        "",
        "2026-07-01T10:00:00.Z",
    ],
)
def test_a_time_is_written_in_one_way(text: str) -> None:
    """Given another form of ISO 8601, which the worker may take, then the contract does not promise it."""
    assert not fits(TIME, text)


@given(
    st.integers(1890, 2110), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), st.integers(0, 61),
    st.sampled_from(["Z", "z", "", "+02:00", "-23:59", "+24:00", "+2:00", "\n", "Z\n", ".5Z", "..5Z"]),
)  # fmt: skip
@settings(max_examples=400)
def test_what_looks_like_a_time_is_one_for_both(
    year: int, month: int, day: int, hour: int, second: int, end: str
) -> None:
    text = f"{year}-{month:02}-{day:02}T{hour:02}:00:{second:02}{end}"

    assert fits(TIME, text) == (is_time(text) and 1900 <= year <= 2099)


@pytest.mark.parametrize("year", [1900, 1904, 1999, 2000, 2023, 2024, 2096])
def test_leap_years_are_known(year: int) -> None:
    text = f"{year}-02-29T00:00:00Z"

    assert fits(TIME, text) == is_time(text)


@given(
    st.text(st.sampled_from("Az09+/=-_ \n"), max_size=9) | st.binary(max_size=9).map(lambda data: data.hex())
)
@settings(max_examples=200)
def test_what_the_pattern_takes_for_base64_is_some(text: str) -> None:
    assert not fits(BASE64, text) or is_base64(text)
    assert fits(BASE64, "eyJhIjoxfQ==")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", [EMAIL, TIME, BASE64])
def test_no_text_keeps_a_pattern_busy(pattern: str) -> None:
    """Given long text, then matching takes no longer than reading it a few times."""
    for text in (
        "a" * 200_000,
        "a@" + "a." * 100_000,
        "@ " + "-" * 200_000,
        "2026-07-01T10:00:00." + "0" * 200_000,
    ):
        re.search(pattern, text)
