"""Which type an event has, and which app; another app's event is refused."""

from __future__ import annotations

import pytest

from tests.unit.events.decode.reading import DATA, message, read, refused
from worker.errors import Reason, WrongApp


@pytest.mark.parametrize(
    ("key", "apps", "kind"),
    [
        ("user.signed_up", (), "user.signed_up"),
        ("user.signed_up.sunny", ("sunny",), "user.signed_up"),
        ("order.paid.late", (), "order.paid.late"),
        ("order.paid.late", ("late",), "order.paid.late"),
        ("order.paid.late.sunny", ("sunny",), "order.paid.late"),
        ("user.updated", (), "user.updated"),
        ("user.updated.sunny", ("sunny", "rainy"), "user.updated"),
        ("user.updated.sunny.eu", ("eu", "sunny.eu"), "user.updated.sunny"),
    ],
)
def test_a_missing_type_is_the_routing_key_less_the_app(key: str, apps: tuple[str, ...], kind: str) -> None:
    """Known types win over a shorter reading of the key, since a type may end like an app."""
    if (key, apps) == ("order.paid.late", ("late",)):
        assert "names no app" in refused(message(key=key), WrongApp, apps=apps)
        return
    assert read(message(key=key), apps=apps).type == kind


def test_a_message_without_any_type_is_refused() -> None:
    assert refused(message(key="")).startswith("type: missing")


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_a_blank_type_is_none(blank: str) -> None:
    for received in (message({"type": blank, "data": DATA}), message(type=blank)):
        assert read(received).type == "user.signed_up"


@pytest.mark.parametrize("kind", [True, 1.5, ["user.signed_up"], {}, "x" * 256])
def test_a_type_must_be_short_text(kind: object) -> None:
    assert refused(message({"type": kind, "data": DATA})).startswith("type: ")


@pytest.mark.parametrize(
    ("key", "apps", "app"),
    [
        ("user.signed_up", (), None),
        ("user.signed_up.sunny", ("sunny",), "sunny"),
        ("user.signed_up.rainy", ("sunny", "rainy"), "rainy"),
        ("user.signed_up.two.parts", ("two.parts",), "two.parts"),
        ("kit.default", ("sunny",), None),
    ],
)
def test_the_routing_key_names_the_app(key: str, apps: tuple[str, ...], app: str | None) -> None:
    """A key that does not begin with the type names no app: the message was put straight into the queue."""
    assert read(message(key=key, type="user.signed_up"), apps=apps).app == app


@pytest.mark.parametrize(
    ("key", "apps", "words"),
    [
        ("user.signed_up.rainy", ("sunny",), ("'rainy'", "takes only sunny")),
        ("user.signed_up.rainy", (), ("'rainy'", "only events without one")),
        ("user.signed_up", ("sunny", "moony"), ("names no app", "takes only moony, sunny")),
    ],
)
def test_another_apps_event_is_refused_and_the_message_names_both(
    key: str, apps: tuple[str, ...], words: tuple[str, str]
) -> None:
    detail = refused(message(key=key, type="user.signed_up"), WrongApp, apps=apps)

    assert all(word in detail for word in words)
    assert WrongApp.reason is Reason.WRONG_APP


@pytest.mark.parametrize(
    ("key", "apps"),
    [
        ("user.signed_up.rainy", ("sunny",)),
        ("user.signed_up.rainy", ()),
        ("order.paid.late.rainy", ()),
        ("user.updated.rainy", ("sunny",)),
        ("user.updated.rainy", ()),
        ("user.signed_up", ("sunny",)),
        ("rainy", ("sunny",)),
        ("rainy", ()),
        ("user.signed_up.sunny.rainy", ("sunny",)),
    ],
)
@pytest.mark.parametrize("replayed", [False, True])
def test_an_event_of_another_type_than_its_key_is_still_of_the_app_that_the_key_names(
    key: str, apps: tuple[str, ...], *, replayed: bool
) -> None:
    """Given a body that says another type than its key, then no account of another app has it."""
    received = (
        message(key="kit.default", type="subscription.started", headers={"x-original-routing-key": key})
        if replayed
        else message(key=key, type="subscription.started", exchange="platform.events")
    )

    assert "this account takes only" in refused(received, WrongApp, apps=apps)


@pytest.mark.parametrize(
    ("key", "apps", "app"),
    [
        ("user.signed_up.sunny", ("sunny",), "sunny"),
        ("user.updated.sunny", ("rainy", "sunny"), "sunny"),
        ("user.signed_up", (), None),
        ("order.paid.late", (), None),
    ],
)
def test_an_event_of_another_type_than_its_key_is_taken_where_the_key_names_the_accounts_app(
    key: str, apps: tuple[str, ...], app: str | None
) -> None:
    event = read(message(key=key, type="subscription.started", exchange="platform.events"), apps=apps)

    assert (event.type, event.app) == ("subscription.started", app)


def test_a_header_says_nothing_about_the_app_of_what_came_through_an_exchange() -> None:
    """Given a publisher that sends the header of a replay, then the key counts by which the event came."""
    received = message(
        key="user.signed_up.rainy",
        headers={"x-original-routing-key": "user.signed_up.sunny"},
        exchange="platform.events",
    )

    assert "'rainy'" in refused(received, WrongApp, apps=("sunny",))


def test_what_was_put_straight_into_the_queue_names_no_app() -> None:
    assert read(message(key="kit.default", type="subscription.started"), apps=("sunny",)).app is None
