"""What each answer of Kit, or of whatever stands between, means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import (
    CredentialRefused,
    KitPlanFull,
    KitRejected,
    KitUnavailable,
    KitWorkerError,
    NoMoreSubscribers,
    RateLimited,
    Reason,
)
from worker.kit.answers import LISTED, MAX_DETAIL, SHAPES, Answer, NotFound, read_answer

CALL = "POST /v4/subscribers"
HTML = b"<html><body>Bad gateway</body></html>"
SUBSCRIBER = b'{"subscriber": {"id": 7}}'


def read(status: int, body: bytes = b"") -> Answer:
    return read_answer(CALL, status, body)


@pytest.mark.parametrize(("status", "body"), [(200, SUBSCRIBER), (201, SUBSCRIBER), (202, SUBSCRIBER)])
def test_a_2xx_with_a_json_object_is_an_answer(status: int, body: bytes) -> None:
    assert read(status, body) == Answer(status, json.loads(body), CALL)


@pytest.mark.parametrize("body", [b"", HTML])
def test_a_204_says_all_by_itself(body: bytes) -> None:
    assert read(204, body) == Answer(204, {}, CALL)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, HTML, KitUnavailable),
        (200, b"", KitUnavailable),
        (201, SUBSCRIBER[:-5], KitUnavailable),
        (200, b"\xff\xfe", KitUnavailable),
        (200, b"[]", KitUnavailable),
        (200, b"null", KitUnavailable),
        (200, b"{}", KitUnavailable),
        (200, b'{"subscriber": null}', KitUnavailable),
        (200, b'{"subscriber": {"id": "7"}}', KitUnavailable),
        (200, b'{"subscriber": {"id": true}}', KitUnavailable),
        (200, b"[" * 200_000, KitUnavailable),
        (422, b"[" * 200_000, KitRejected),
        (200, b'"ok"', KitUnavailable),
        (202, b"Accepted", KitUnavailable),
        (100, b"", KitUnavailable),
        (301, HTML, KitUnavailable),
        (302, HTML, KitUnavailable),
        (304, b"", KitUnavailable),
        (307, SUBSCRIBER, KitUnavailable),
        (400, b'{"errors": ["bad"]}', KitRejected),
        (401, b'{"errors": ["The access token is invalid"]}', CredentialRefused),
        (401, HTML, CredentialRefused),
        (403, b'{"errors": ["This request would exceed your subscriber limit"]}', NoMoreSubscribers),
        (403, b'{"errors": ["Forbidden"]}', NoMoreSubscribers),
        (402, b"", NoMoreSubscribers),
        (422, b'{"errors": ["You have reached the limit of your subscribers"]}', NoMoreSubscribers),
        (422, b'{"errors": ["Upgrade your plan to go on"]}', NoMoreSubscribers),
        (422, b'{"errors": ["Subscription plan is no custom field"]}', KitRejected),
        (422, b'{"errors": ["First name exceeds its limit"]}', KitRejected),
        (404, b'{"errors": ["Not Found"]}', NotFound),
        (408, b"", KitUnavailable),
        (413, b'{"errors": ["too much"]}', RateLimited),
        (422, b'{"errors": ["Email address is invalid"]}', KitRejected),
        (429, b"Retry later", RateLimited),
        (429, b"", RateLimited),
        (403, HTML, KitUnavailable),
        (404, HTML, KitUnavailable),
        (500, HTML, KitUnavailable),
        (502, HTML, KitUnavailable),
        (503, SUBSCRIBER, KitUnavailable),
        (504, b"", KitUnavailable),
        (600, b"", KitUnavailable),
    ],
)
def test_an_answer_that_is_none_is_an_error_by_its_remedy(
    status: int, body: bytes, error: type[KitWorkerError]
) -> None:
    with pytest.raises(KitWorkerError) as caught:
        read(status, body)

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("call", "status", "error"),
    [
        ("POST /v4/bulk/subscribers", 403, NoMoreSubscribers),
        ("POST /v4/custom_fields", 402, KitPlanFull),
        ("POST /v4/custom_fields", 403, KitPlanFull),
        ("POST /v4/custom_fields", 422, KitPlanFull),
        ("PUT /v4/subscribers/{}", 403, KitRejected),
        ("POST /v4/tags/{}/subscribers/{}", 403, KitRejected),
        ("GET /v4/tags", 402, KitRejected),
    ],
)
def test_a_plan_is_full_for_what_a_call_would_add_to_it(
    call: str, status: int, error: type[KitWorkerError]
) -> None:
    with pytest.raises(KitRejected) as caught:
        read_answer(call, status, b'{"errors": ["This would exceed your custom field limit"]}')

    assert type(caught.value) is error
    assert caught.value.status == status
    assert "would exceed your custom field limit" in str(caught.value)


def test_a_full_plan_says_what_to_do() -> None:
    with pytest.raises(NoMoreSubscribers) as caught:
        read(403, b'{"errors": ["This request would exceed your subscriber limit"]}')

    assert caught.value.reason == Reason.KIT_PLAN_FULL
    assert str(caught.value) == (
        "Kit's plan takes no more subscribers: upgrade it, or delete some there, then replay this dead "
        "letter (POST /v4/subscribers: Kit answered 403: This request would exceed your subscriber limit)"
    )


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (422, b'{"errors": ["Email is\\ninvalid", "Name is blank"]}', "Email is invalid; Name is blank"),
        (422, b'{"errors": []}', ""),
        (422, b'{"errors": "text"}', "no explanation"),
        (422, b"[1]", "no explanation"),
        (422, b"oops", "no explanation"),
        (400, b"\xff", "no explanation"),
        (422, b'{"errors": ["\\u001b[31mred\\u0000\\ud800"]}', "\\x1b[31mred\\x00\\ud800"),
    ],
)  # fmt: skip
def test_a_refusal_gives_kits_own_words_on_one_printable_line(status: int, body: bytes, words: str) -> None:
    with pytest.raises(KitRejected) as caught:
        read(status, body)

    assert str(caught.value) == f"{CALL}: Kit answered {status}: {words}"


def test_kits_words_are_not_repeated_without_end() -> None:
    with pytest.raises(KitRejected) as caught:
        read(422, json.dumps({"errors": ["x" * 5000]}).encode())

    assert len(str(caught.value)) < MAX_DETAIL + 100


@given(
    st.integers(100, 599), st.binary(max_size=30) | st.sampled_from([SUBSCRIBER, HTML, b'{"errors": [{}]}'])
)
@settings(max_examples=100)
def test_whatever_comes_is_an_answer_or_one_of_our_errors(status: int, body: bytes) -> None:
    try:
        answer = read(status, body)
    except KitWorkerError as error:
        assert str(error)  # noqa: PT017  # either outcome is right
    else:
        assert 200 <= answer.status < 300


@pytest.mark.parametrize("endpoint", SHAPES)
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"subscriber": null, "account": {"id": "7"}, "tag": {"id": 0}, "custom_field": {"id": 7}}',
        b'{"failures": null, "tags": null, "custom_fields": {}}',
        (
            b'{"failures": [], "tags": [{"name": "A"}], "custom_fields": [{"id": 1, "label": "A"}],'
            b' "subscribers": [{"id": "7", "email_address": "a@b.c"}], "custom_field_values": [{}]}'
        ),
    ],
)
def test_an_answer_without_what_its_endpoint_sends_is_an_outage(endpoint: str, body: bytes) -> None:
    """Whatever Kit lies about, it is no event's fault, and nothing counts as done."""
    with pytest.raises(KitUnavailable) as caught:
        read_answer(endpoint, 200, body)

    assert caught.value.endpoint == endpoint


@pytest.mark.parametrize(
    "text", ["The access token is invalid", "The access token expired", "Authentication Failed"]
)
def test_a_refused_credential_is_told_in_kits_words(text: str) -> None:
    with pytest.raises(CredentialRefused, match=text):
        read(401, json.dumps({"errors": [text]}).encode())


# -- what an answer holds -----------------------------------------------------------------------------------


def test_an_answer_gives_its_object_its_id_and_its_list() -> None:
    answer = Answer(200, {"tag": {"id": 7}, "tags": [{"id": 1}, {"id": 2}], "none": []})

    assert answer.item("tag") == {"id": 7}
    assert answer.id_of("tag") == 7
    assert answer.items("tags") == [{"id": 1}, {"id": 2}]
    assert answer.items("none") == []


@pytest.mark.parametrize(
    "body", [{}, {"tag": None}, {"tag": []}, {"tag": {}}, {"tag": {"id": "7"}}, {"tag": {"id": None}}]
)
def test_an_answer_without_an_id_is_not_kits(body: dict[str, object]) -> None:
    with pytest.raises(KitUnavailable, match="'tag'"):
        Answer(200, body).id_of("tag")


@pytest.mark.parametrize("body", [{}, {"tags": None}, {"tags": {}}, {"tags": [1]}, {"tags": [{}, None]}])
def test_an_answer_without_its_list_is_not_kits(body: dict[str, object]) -> None:
    with pytest.raises(KitUnavailable, match="'tags'"):
        Answer(200, body).items("tags")


@pytest.mark.parametrize(
    ("body", "warnings"),
    [({}, ()), ({"warnings": []}, ()), ({"warnings": None}, ()), ({"warnings": ["a", 7]}, ("a", "7"))],
)
def test_warnings_are_kits_words_about_fields_that_it_ignored(
    body: dict[str, object], warnings: tuple[str, ...]
) -> None:
    assert Answer(200, body).warnings == warnings


@pytest.mark.parametrize(
    "item",
    [
        {"id": 1},
        {"name": "VIP"},
        {"id": "1", "name": "VIP"},
        {"id": 1, "name": None},
        {"id": [], "name": "VIP"},
        [],
        None,
    ],
)
def test_a_list_of_something_else_is_not_kits(item: object) -> None:
    answer = Answer(200, {"tags": [{"id": 7, "name": "A"}, item]}, CALL)

    with pytest.raises(KitUnavailable, match="without id and name in 'tags'"):
        answer.items("tags", LISTED["tags"])
