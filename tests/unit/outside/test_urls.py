"""URLs: what two programs would read differently is refused, and no sentence repeats any of it."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from yarl import URL

from worker.broker.address import check_amqp_url, mask_url
from worker.ledger.address import check_ledger_url
from worker.outside.urls import check_url, each_host, passwords
from worker.settings import check_base_url

REFUSED = {
    "a slash and a hash in the password": "amqp://guest:12/34#sesame@H/",
    "a second URL behind a semicolon": "amqp://u:sesame@h1/;amqp://u2:sesame@h2/",
    "a second URL behind a comma": "amqp://u:sesame@h1/,amqp://u2:sesame@h2/",
    "an at sign in the password": "amqp://u:ses@me@h/",
    "a question mark": "amqp://u:ses?sesame@h/",
    "a bracket": "amqp://u:se[same@h/",
    "a backslash": "amqp://u:se\\same@h/",
    "a tab": "amqp://u:se\tsame@h/",
    "a line": "amqp://u:sesame@h/\n",
    "a blank": "amqp://u:se same@h/",
    "letters beyond ASCII": "amqp://u:sésame@h/",
    "a percent sign that encodes nothing": "amqp://u:100%sesame@h/",
    "a percent sign at the end": "amqp://u:sesame%@h/",
    "a semicolon in the host": "amqp://u:sesame@h1;h2/",
    "an at sign in the query": "amqp://u:sesame@h/?x=a@b",
    "a fragment": "amqp://u:sesame@h/#x",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(
    "check", [check_url, check_amqp_url, lambda url: check_base_url(url, allow_http=True)]
)
def test_what_can_be_read_in_two_ways_is_refused_without_repeating_it(check: object, url: str) -> None:
    assert callable(check)

    with pytest.raises(ValueError, match=r"percent-encoding|its host is no name") as caught:
        check(url)

    assert not any(part in str(caught.value) for part in ("sesame", "sésame", "same", "h1"))


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_a_ledgers_address_is_held_to_the_same(url: str) -> None:
    with pytest.raises(ValueError, match=r"percent-encoding|its host is no name|must be such as") as caught:
        check_ledger_url(url.replace("amqp://", "postgresql+asyncpg://"))

    assert "same" not in str(caught.value).replace("must be such as", "")


@given(
    user=st.text(min_size=1), password=st.text(min_size=1), host=st.sampled_from(["h", "a.b-c", "127.0.0.1"])
)
def test_what_is_taken_means_the_same_to_all_who_read_it(user: str, password: str, host: str) -> None:
    """Given any login, percent-encoded as the sentence says, three libraries find the same in it."""
    user, password = (text.encode("utf-8", "replace").decode() for text in (user, password))
    url = f"amqp://{quote(user, safe='')}:{quote(password, safe='')}@{host}:5672/v"
    check_url(url)

    yarl, alchemy, split = URL(url), make_url(url), urlsplit(url)

    assert (yarl.user, yarl.password, yarl.host) == (user, password, host)
    assert (alchemy.username, alchemy.password, alchemy.host) == (user, password, host)
    assert (unquote(split.username or ""), unquote(split.password or "")) == (user, password)
    assert password in passwords(url)


@given(st.text(alphabet="aA:/?#[]@!$&'()*+,;=%2~.-_\\ é\t"))
def test_any_url_that_is_taken_is_read_alike_and_shown_without_its_password(text: str) -> None:
    url = f"amqp://{text}"
    try:
        nodes = check_amqp_url(url)
    except ValueError:
        return
    split, yarl = urlsplit(url), nodes[0]
    hosts = [urlsplit(f"//{each}").hostname or "" for each in split.netloc.rpartition("@")[2].split(",")]

    assert [(node.host or "").lower() for node in nodes] == [host.lower() for host in hosts]
    assert yarl.user == (unquote(split.username) if split.username else None)
    assert yarl.password == (None if split.password is None else unquote(split.password))
    login, _, _ = split.netloc.rpartition("@")
    assert login.partition(":")[2] in {"", "***"} or f":{login.partition(':')[2]}@" not in mask_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@localhost:5672/",
        "amqp://u:p%40ss%2Fw@[::1]:5672/%2F",
        "amqps://broker.example/vhost?cafile=/etc/ca.pem",
        "https://api.kit.com",
        "postgresql+asyncpg://u:p%25@h1:5432/db?ssl=verify-full",
        "postgresql+asyncpg:///db?host=/run/postgresql",
    ],
)
def test_a_url_that_means_one_thing_is_taken(url: str) -> None:
    check_url(url)


def test_each_host_of_a_url_has_the_same_login_and_query() -> None:
    assert each_host("amqps://u:p%2C@h1:5671,[::1],h3:1/v?a=1,2") == [
        "amqps://u:p%2C@h1:5671/v?a=1,2", "amqps://u:p%2C@[::1]/v?a=1,2", "amqps://u:p%2C@h3:1/v?a=1,2",
    ]  # fmt: skip
    assert each_host("amqp://h") == ["amqp://h"]


def test_the_passwords_of_a_url_are_known() -> None:
    assert {*passwords("postgresql+asyncpg://u:p%40ss@h/db?password=other&ssl=require")} == {
        "p%40ss", "p@ss", "other",
    }  # fmt: skip
