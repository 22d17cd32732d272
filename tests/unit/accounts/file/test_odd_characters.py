"""Characters that look like others, and comments that were meant as text: told with their place and name."""

# ruff: noqa: RUF001 - characters that look like others are what this is about
from __future__ import annotations

import pytest

from tests.pace import takes_less
from tests.unit.accounts.file.read.problems import problem, problems
from tests.unit.accounts.harness import KIT, parse
from worker.accounts.file.odd_characters import plain_text

EVENT = f"{KIT}events:\n  order.paid:\n    add_tags:"


def tags(text: str) -> tuple[str, ...]:
    return tuple(tag.text for tag in parse(f"{EVENT}{text}\n").events["order.paid"].base.add_tags)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (
            " [“New Member”]",
            "4:16: “ (left double quotation mark, U+201C) stands here, as word processors write",
        ),
        (
            "\n      - “New Member”",
            "5:9: “ (left double quotation mark, U+201C) stands here, as word processors",
        ),
        (
            " [“New, Member”]",
            "4:16: “ (left double quotation mark, U+201C) stands here, as word processors write",
        ),
        (" [„Neu“, «Bon», ‘New’]", None),
        (
            " [“{mk_access_level} access”]",
            "4:16: “ (left double quotation mark, U+201C) stands here, as word",
        ),
        (
            " [“open]",
            "4:16: “ (left double quotation mark, U+201C) stands here, as word processors write quotes",
        ),
        (
            " [Bob’s Club]",
            "4:19: ’ (right single quotation mark, U+2019) stands here; type a straight apostrophe",
        ),
        (
            " [New\u00a0Member]",
            "4:19: this is no space, though it looks so (no-break space, U+00A0); type a space",
        ),
        ("\u00a0[New]", "4:14: this is no space, though it looks so (no-break space, U+00A0); type a space"),
        (
            "\n      -\u00a0New",
            "5:8: this is no space, though it looks so (no-break space, U+00A0); type a space",
        ),
        (" [New\u2028Member]", "4:19: this is no space, though it looks so (line separator, U+2028)"),
        (
            " [New\u200bMember]",
            "4:19: an invisible character stands here (zero width space, U+200B); delete it",
        ),
        (" [New\u00adMember]", "4:19: an invisible character stands here (soft hyphen, U+00AD); delete it"),
        (
            " [\u202eNew]",
            "4:16: an invisible character stands here (right-to-left override, U+202E); delete it",
        ),
        (
            " [Member #1]",
            "4:23: what follows # is a comment; put all of the text in quotes, or write a space after #",
        ),
        (
            "\n      - Member #1",
            "5:16: what follows # is a comment; put all of the text in quotes, or write a",
        ),
        ("\n      - #1 fan", "5:9: what follows # is a comment; put text that begins with # in quotes"),
    ],
)
def test_what_looks_like_something_else_is_named_where_it_stands(tags: str, said: str | None) -> None:
    found = problems(f"{EVENT}{tags}\n")

    if said is None:
        assert [line.split(": ")[0] for line in found] == [f"default.yaml:4:{at}" for at in (16, 23, 30)]
        return
    assert len(found) == 1
    assert found[0].startswith(f"default.yaml:{said}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{KIT}events:\n\u00a0\u00a0order.paid: {{}}\n", "3:1"),
        (f"{KIT}events:\n  order.paid\u200b: {{}}\n", "3:13"),
        (f"{KIT}events:\n  order.paid：\n    add_tags: [A]\n", "3:13"),
        (f"{KIT}fields:\n  data.user.x: Locale #2\n", "3:23"),
        (f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.a: x #1}}, add_tags: [A]}}]}}}}\n", "2:49"),
        ("kit: {api_key_env: “KIT_API_KEY”}\n", "1:20"),
        (f"app: “sunny”\n{KIT}", "1:6"),
    ],
)
def test_so_it_is_anywhere_in_the_file(text: str, place: str) -> None:
    assert problems(text)[0].startswith(f"default.yaml:{place}: ")


def test_other_faults_are_told_beside_it() -> None:
    said = problems(f"{EVENT} [“New”]\nfields: {{mk_plan: Plan}}\noptons: {{}}\n")

    assert [line.split(": ")[0] for line in said] == [f"default.yaml:{at}" for at in ("4:16", "5:10", "6:1")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" ['Bob’s Club']", ("Bob’s Club",)),
        (' ["“New”"]', ("“New”",)),
        (" [\"Member #1\", '#2']", ("Member #1", "#2")),
        (" [A#1, B]", ("A#1", "B")),
        (" [A]  # “a” comment\u00a0with Bob’s #1", ("A",)),
        (" [A] #a comment", ("A",)),
        ("\n      - A  # a comment", ("A",)),
        ("\n      # “all” of them\n      - A", ("A",)),
        (" [Größe ½ – 日本：語]", ("Größe ½ – 日本：語",)),
    ],
)
def test_what_is_in_straight_quotes_or_in_a_comment_is_meant(text: str, expected: tuple[str, ...]) -> None:
    assert tags(text) == expected


def test_a_comment_after_a_setting_needs_no_space() -> None:
    assert parse("app: sunny #ours\nkit:\n  api_key_env: KIT_API_KEY #main\n").apps == ("sunny",)


def test_an_invisible_character_in_quotes_is_named() -> None:
    assert "a character that cannot be seen (no-break space, U+00A0)" in problem(
        f'{EVENT} ["New\u00a0Member"]\n'
    )


@pytest.mark.parametrize(
    "text", ["“", "„ ", "’", "“ ", '"', " '", " #", "- #", "\u00a0", "a #b\n", "[„", '"\\']
)
def test_a_large_text_of_them_is_read_at_once(text: str) -> None:
    """Given a file at the limit of its size, then nothing takes time that grows faster than the text."""
    large = text * (1024 * 1024 // len(text.encode()))

    assert takes_less(lambda: plain_text(large), 2.0)


def test_the_text_is_mended_as_it_was_probably_meant() -> None:
    assert plain_text("a: “b, c”\n")[0] == 'a: "b, c"\n'
