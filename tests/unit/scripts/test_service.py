"""Addresses as they may be shown."""

import pytest

from scripts.service import without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://me:secret@broker:5672/prod", "amqp://me:***@broker:5672/prod"),
        ("amqp://me:se@cret@broker/", "amqp://me:***@broker/"),
        ("amqps://me:secret@broker/?password=secret", "amqps://me:***@broker/"),
        ("amqp://broker/", "amqp://broker/"),
    ],
)
def test_a_shown_url_has_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
