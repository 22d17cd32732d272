"""What an admin reads of a text that is no valid account file."""

import pytest

from tests.unit.accounts.harness import KIT, parse
from worker.errors import ConfigurationError


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return [str(problem).removeprefix("config/accounts/") for problem in caught.value.problems]


def problem(text: str) -> str:
    (said,) = problems(text)
    return said


def event(block: str) -> str:
    """A file with an event of its own, which does what `block` says."""
    return f"{KIT}events: {{order.paid: {block}}}\n"
