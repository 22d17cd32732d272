"""Reading the event files that people name on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from worker.commands.exits import UsageError
from worker.contract.samples import NotJsonError, Sample, read_samples

STDIN: Final = "-"


def read_event_file(name: str) -> list[Sample]:
    """Return the events in a file, or on standard input for `-`.

    Raises:
        UsageError: It cannot be read, or holds no JSON.
    """
    try:
        text = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return read_samples(text, "standard input" if name == STDIN else name)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from error
    except NotJsonError as error:
        raise UsageError(str(error)) from error
