"""Node.js, and the packages of tests/node, for the tests that need them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "node" / "node_modules"


def node_packages() -> Path:
    """Return the folder of the packages. Where there is no Node.js a test is skipped, with this reason."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no Node.js here: install it, and then 'scripts/install dev'")
    if not FOLDER.is_dir():
        pytest.fail("the Node.js packages are missing: 'scripts/install dev' installs them", pytrace=False)
    return FOLDER
