"""The examples that the platform's developers see are events that the worker applies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.examples import NOON
from worker.contract.examples import cloud_event_example, plain_example
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.handlers import HANDLERS
from worker.handlers.base import Handler, read_payload
from worker.mapping import Occasion, Options, to_change


@pytest.mark.parametrize("example", [plain_example, cloud_event_example])
@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS.keys())
def test_the_example_of_each_type_has_what_its_default_needs(
    handler: Handler, example: Callable[[Handler], dict[str, Any]]
) -> None:
    assert handler.default is not None
    shown = example(handler)
    event = decode(Delivery(json.dumps(shown).encode(), handler.type, received_at=NOON), arrival=0)

    asked = to_change(handler.default, (), Options(), Occasion(handler.lookup(event), event.order, NOON))

    assert read_payload(event).user.email == "ada@example.com"
    assert asked.owed == ()
    assert len(asked.change.tags) == len(handler.default.base.add_tags) + len(
        handler.default.base.remove_tags
    )


def test_a_handler_without_an_example_of_its_own_shows_the_user_alone() -> None:
    data = plain_example(Handler("order.paid", "somebody paid", {}))["data"]

    assert data == {
        "user": {"id": "u-1024", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}
    }
