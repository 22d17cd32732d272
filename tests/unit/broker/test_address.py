"""Which addresses of RabbitMQ are taken, and how they are shown."""

from __future__ import annotations

import pytest

from worker.broker.address import check_amqp_url, check_management_url, mask_url


def test_the_heartbeat_is_ours_and_short() -> None:
    """Given the default of 60 s, a dead peer would be noticed after three minutes."""
    assert check_amqp_url("amqp://u:p@host/?heartbeat=600")[0].query["heartbeat"] == "20"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "http://host/",
        "amqp://",
        "amqps://host/?no_verify_ssl=1",
        "amqps://host/?no_verify_ssl=0",
        "amqp://u:p@host,/",
        "amqp://u:p@,host/",
        "amqp://u:p@host,,other/",
        "amqp://u:p@host,other:port/",
    ],
)
def test_other_addresses_and_unverified_tls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must look like|any server"):
        check_amqp_url(url)


def test_a_masked_address_shows_no_password() -> None:
    assert "secret" not in mask_url("amqps://user:secret@host:5671/v?certfile=secret")
    assert mask_url("amqp://user:secret@h1:1,h2/v?x=secret") == "amqp://user:***@h1:1/v, amqp://user:***@h2/v"


@pytest.mark.parametrize(
    ("url", "amqp_url", "problem"),
    [
        ("http://localhost:15672/", "amqp://localhost/", ""),
        ("https://rabbit.example:15671", "amqps://rabbit.example/", ""),
        ("localhost:15672", "amqp://localhost/", "must look like"),
        ("http://", "amqp://localhost/", "must look like"),
        ("http://rabbit.example:15672/", "amqps://rabbit.example/", "must begin with https"),
    ],
)
def test_the_address_of_the_management_api_is_checked(url: str, amqp_url: str, problem: str) -> None:
    if not problem:
        check_management_url(url, amqp_url)
        return
    with pytest.raises(ValueError, match=problem):
        check_management_url(url, amqp_url)
