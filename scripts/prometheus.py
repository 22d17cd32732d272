"""Prometheus's own tool, which checks and tries rules."""

from __future__ import annotations

import shutil

from scripts import apt
from scripts.service import ServiceError

PACKAGE = "prometheus"


def promtool() -> str:
    """Return the path of promtool; its package is installed first if need be and if we may."""
    apt.install(PACKAGE, lambda: shutil.which("promtool") is not None)
    if found := shutil.which("promtool"):
        return found
    raise ServiceError(
        "no promtool was found: install the package prometheus (on Debian and Ubuntu: sudo apt-get install "
        "prometheus), or put promtool of a release of Prometheus on the PATH."
    )
