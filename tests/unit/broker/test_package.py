"""What the broker package keeps to itself."""

from __future__ import annotations

import re
from pathlib import Path

import worker

AMQP_LIBRARY = re.compile(r"^\s*(?:import|from) (?:aio_pika|aiormq|pamqp)\b", re.MULTILINE)


def test_no_other_package_imports_an_amqp_library() -> None:
    folder = Path(worker.__file__).parent

    importing = {
        path.relative_to(folder).parts[0]
        for path in folder.rglob("*.py")
        if AMQP_LIBRARY.search(path.read_text(encoding="utf-8"))
    }

    assert importing == {"broker"}
