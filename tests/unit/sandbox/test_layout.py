"""Where lines of the sandbox's pages may end."""

import pytest

from worker.sandbox.layout import Cell, breakable, listed, table


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Active Member", "Active Member"),
        ("ada.l@example.com", "ada.l@example.com"),
        ("ada.lovelace@example.com", "ada.lovelace@<wbr>example.com"),
        ("a@international-school.example.com", "a@<wbr>international-<wbr>school.<wbr>example.<wbr>com"),
        ("/v4/tags/5/subscribers", "/<wbr>v4/<wbr>tags/<wbr>5/<wbr>subscribers"),
        ("a" * 45, "<wbr>".join(["a" * 20, "a" * 20, "a" * 5])),
        ("<b>&x", "&lt;b&gt;&amp;x"),
        ("", ""),
    ],
)
def test_what_is_long_may_be_broken_after_the_signs_of_an_address(text: str, html: str) -> None:
    assert breakable(text) == html


def test_what_a_table_holds_is_escaped_and_each_value_has_the_name_of_its_column() -> None:
    made = table("<People>", ("Name", "Tags"), [("<i>", Cell("<b>VIP</b>"))])

    assert '<td data-label="Name"><div>&lt;i&gt;</div></td>' in made
    assert '<td data-label="Tags"><div><b>VIP</b></div></td>' in made
    assert 'aria-label="&lt;People&gt;"' in made


def test_where_nothing_is_listed_there_is_no_list() -> None:
    assert listed("tags", []) == Cell("")
    assert listed("tags", ["<VIP>"]) == Cell('<ul class="tags"><li>&lt;VIP&gt;</li></ul>')
