"""Email addresses: one normal form for each person, and a form for logs."""

from __future__ import annotations

import json
import string
import tracemalloc
import unicodedata
from contextlib import suppress

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pace import takes_less
from worker.events.values import Json
from worker.subscribers.identity import (
    NO_HOME,
    home_app,
    naming,
    normalize_email,
    person_in,
    person_key,
    shown_person,
    spellings,
)

local = st.text(string.ascii_letters + string.digits + "+-_", min_size=1, max_size=12)
letters = st.text(string.ascii_letters, min_size=2, max_size=8)
addresses = st.builds(lambda name, host, end: f"{name}@{host}.{end}x", local, letters, letters)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@Example.COM\n", "ada@example.com"),
        ("ada+news@example.com", "ada+news@example.com"),
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("ÉVA@example.com", "éva@example.com"),
        ("E\u0301va@example.com", "éva@example.com"),
        ("JÜRGEN@example.com", "jürgen@example.com"),
        ("info@BÜCHER.example", "info@xn--bcher-kva.example"),
        ("info@bu\u0308cher.example", "info@xn--bcher-kva.example"),
        ("info@XN--BCHER-KVA.example", "info@xn--bcher-kva.example"),
        ("a@faß.de", "a@xn--fa-hia.de"),
        ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
        ("ada@staging.test", "ada@staging.test"),
    ],
)
def test_a_person_is_the_address_trimmed_and_in_lower_case(text: str, person: str) -> None:
    """Plus signs and dots stay; all letters are small, composed, and in the domain as IDNA writes them."""
    assert normalize_email(text) == person


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "ada lovelace@example.com",
        "ada@example..com", "ada@exa mple.com", "Ada <ada@example.com>", "ada@example.com, bob@example.com",
        "ada@[127.0.0.1]", "ada\n@example.com", "ada\x00@example.com",
        f"ada@{'a' * 250}.com", "ada@-example.com", "ada@example.com\r\nBcc: bob@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not an email address$"):
        normalize_email(text)


@given(addresses)
@settings(max_examples=50)
def test_the_normal_form_is_its_own_and_that_of_any_case(address: str) -> None:
    person = normalize_email(address)

    assert normalize_email(person) == normalize_email(address.upper()) == person


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_any_text_gives_a_person_or_a_value_error(text: str) -> None:
    try:
        person = normalize_email(text)
    except ValueError as error:
        assert str(error) == "not an email address"  # noqa: PT017  # either outcome is right
    else:
        assert normalize_email(person) == person
        assert person.rpartition("@")[2].isascii()


some_locals = local | st.text("ab.+'\"@ÉßA", max_size=9) | st.just("a" * 64)
some_domains = st.sampled_from(
    ["example.com", "EXAMPLE.com", "bücher.example", "xn--bcher-kva.example", "example", "-a.com", "a..com",
     "", "[1.2.3.4]", "localhost", "faß.de", "a.test", "a" * 63 + ".com", "a" * 64 + ".com"]
)  # fmt: skip


@given(some_locals, some_domains)
def test_an_address_is_read_as_its_library_reads_it_whole(name: str, domain: str) -> None:
    """Given any local part at any domain, the two are no other person than both together are."""
    text = f"{name}@{domain}"
    try:
        lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
        whole = validate_email(lowered, check_deliverability=False, test_environment=True)
        expected = f"{whole.local_part}@{(whole.ascii_domain or whole.domain).lower()}"
    except EmailNotValidError:
        expected = "none"
    try:
        assert normalize_email(text) == expected
    except ValueError:
        assert expected == "none"


beyond = st.text("aéÉüÜßşŞİ\u0131Σ\u03c3ςñÑ\u0301\u0308ǅ", min_size=1, max_size=6)


@given(beyond, st.sampled_from(["bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "faß.de"]))
def test_however_letters_beyond_ascii_are_written_one_address_is_one(name: str, host: str) -> None:
    """Given any letters, composed or not, the form is its own, and text that names the address is found."""
    with suppress(ValueError):
        person = normalize_email(f"a{name}@{host}")
        assert normalize_email(person) == person
        for form in ("NFC", "NFD"):
            assert normalize_email(unicodedata.normalize(form, f"a{name}@{host}")) == person
        assert all(naming(person).search(each) for each in spellings(person))
        assert naming(person).search(json.dumps(person))


@pytest.mark.parametrize(
    ("user", "named"),
    [
        ({"email": " ADA@example.com", "id": 7}, ("ada@example.com", "7")),
        ({"email": "ada@example.com", "id": ["7"]}, ("ada@example.com", None)),
        ({"email": "ada@example.com", "id": " "}, ("ada@example.com", None)),
        ({"email": "ada@example.com", "id": True}, ("ada@example.com", None)),
        ({"email": "ada"}, (None, None)),
        ({"id": 7}, (None, "7")),
        ("ada@example.com", (None, None)),
    ],
)
def test_whose_an_event_is_can_be_told_though_it_is_at_fault(
    user: Json, named: tuple[str | None, str | None]
) -> None:
    assert person_in({"user": user, "subscription": []}) == named


@pytest.mark.parametrize(
    "value",
    [
        0, -1, 0.0, -1.0, "0", "-1", "", None, "null", "none", "guest", "anonymous", "undefined", "unknown",
        " 0 ", "NULL", "None", "Guest", "ANONYMOUS",
    ],
)  # fmt: skip
def test_an_id_that_is_none_names_nobody(value: Json) -> None:
    """Given what publishers send for want of an id, in any case, people are told apart by their addresses."""
    assert person_in({"user": {"email": "kim@example.com", "id": value}}) == ("kim@example.com", None)


@pytest.mark.parametrize("value", [1, "00", "-2", "0x", "guest-7", "nobody"])
def test_what_only_looks_like_none_is_an_id(value: Json) -> None:
    assert person_in({"user": {"id": value}}) == (None, str(value))


@pytest.mark.parametrize("text", ["{blanks}ada@example.com", "{blanks}", "a{letters}@example.com"])
def test_of_a_long_text_nothing_is_kept(text: str) -> None:
    """Given blanks by the hundred thousand around many addresses, then what is remembered is the address."""
    tracemalloc.start()
    try:
        for number in range(50):
            long = text.format(blanks=" " * (100_000 + number), letters="a" * (100_000 + number))
            with suppress(ValueError):
                normalize_email(long)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


@pytest.mark.parametrize(
    "text", ["a." * 120_000 + "@b.co", "é" * 250_000 + "@b.co", "a" * 250_000, "a@" * 125_000]
)
def test_an_address_without_an_end_is_refused_at_once(text: str) -> None:
    def refused() -> None:
        with pytest.raises(ValueError, match=r"^not an email address$"):
            normalize_email(text)

    assert takes_less(refused, 0.05)


# -- ids within apps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("apps", "home"), [((), ""), (("bakery",), "bakery"), (("bakery", "kitchen"), NO_HOME)]
)
def test_the_home_app_is_the_only_one(apps: tuple[str, ...], home: str) -> None:
    assert home_app(apps) == home


def test_ids_of_the_home_app_stand_alone_as_they_always_did() -> None:
    """Given an account that had one app, or none, the ledger's ids of before are those of that app."""
    assert person_key("7", "bakery", "bakery") == person_key("7", None, "bakery") == "7"
    assert person_key("7", None, "") == "7"


def test_one_id_in_two_apps_is_two_people() -> None:
    """Given any home, no two apps give one key, and so do events that name no app and are not the home's."""
    for home, others in (("bakery", ["kitchen"]), (NO_HOME, ["bakery", "kitchen"]), ("", ["bakery"])):
        keys = {person_key("7", name, home) for name in (None, *others)}
        assert len(keys) == 1 + len(others)


apps = st.sampled_from(["bakery", "kitchen", "7"])
ids = st.sampled_from(["7", "8", "\n"]) | st.builds("{}\n{}".format, apps, st.sampled_from(["7", "8"]))


@given(ids, ids, apps, apps, st.sampled_from(["bakery", "", NO_HOME]))
def test_two_people_never_have_one_key(one: str, other: str, app: str, another: str, home: str) -> None:
    """Given ids that are made up to look like another app's, a key is one person's."""
    is_same = person_key(one, app, home) == person_key(other, another, home)
    assert is_same == ((one, app) == (other, another))


@pytest.mark.parametrize(("app", "shown"), [("bakery", "7"), ("kitchen", "7 of kitchen"), (None, "7")])
def test_a_person_is_told_by_id_and_app(app: str | None, shown: str) -> None:
    assert shown_person(person_key("7", app, "bakery")) == shown
