"""The registry of event types."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker import handlers
from worker.handlers import HANDLERS, handler_for, mapped_only
from worker.handlers.base import Handler


def test_two_handlers_for_one_type_are_a_mistake_that_is_seen_at_once() -> None:
    with pytest.raises(ValueError, match=r"two handlers for user\.updated"):
        handlers._register(Handler("user.updated", "one", {}), Handler("user.updated", "two", {}))


def test_any_type_that_only_a_file_knows_has_the_general_handler() -> None:
    assert handler_for("order.paid") is mapped_only.HANDLER


def test_every_file_of_an_event_type_is_registered_and_has_its_own_test() -> None:
    """Given a handler's file without a line in the registry, or without a test, it is named."""
    registered = {kind.replace(".", "_") for kind in HANDLERS}
    files = {path.stem for path in Path(handlers.__file__).parent.glob("*.py")}
    tested = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}

    assert files - {"__init__", "base", "mapped_only"} == registered
    assert registered <= tested, f"without a test beside this one: {sorted(registered - tested)}"
