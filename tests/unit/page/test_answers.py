"""What templates make, as it is sent."""

from __future__ import annotations

from worker.page.answers import only_read


def test_texts_can_only_be_read_and_boxes_stay_as_they_are() -> None:
    """Given signs that turn the direction of text, they stand as their codes, but in what comes back."""
    box = '<input value="a\u202eb"><textarea name="x">\nc\u202e&lt;d</textarea>'
    assert (
        only_read(f"<p>VIP \u202egnp.exe</p>{box}<td>\x00</td>")
        == f"<p>VIP \\u202egnp.exe</p>{box}<td>\\x00</td>"
    )


def test_a_view_without_such_signs_is_as_it_was() -> None:
    assert only_read("<p>\n\tVIP …</p>") == "<p>\n\tVIP …</p>"
    assert only_read("<pre>{\r\n}\r</pre>") == "<pre>{\n}\n</pre>"
