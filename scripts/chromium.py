"""Finding Chromium, installed first if need be and if we are root on Debian or Ubuntu."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts import apt
from scripts.service import ServiceError

NAMES = ("chromium", "chromium-browser", "google-chrome")
FONTS = ("fonts-liberation", "fonts-noto-color-emoji")
"""Debian's Chromium brings none, and without one every letter is an empty box."""


def executable() -> Path:
    """Return where Chromium is.

    Raises:
        ServiceError: there is none, and it could not be installed; the message says what to do.
    """
    apt.install(" ".join((NAMES[0], *FONTS)), lambda: find() is not None)
    if (found := find()) is not None:
        return found
    raise ServiceError(
        "no Chromium was found, and these tests need a real browser. Install chromium (on Debian and Ubuntu: "
        f"sudo apt-get install {NAMES[0]} {' '.join(FONTS)}), so that one of {', '.join(NAMES)} is in PATH."
    )


def find() -> Path | None:
    """Return Chromium as PATH has it."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return None if found is None else Path(found)
