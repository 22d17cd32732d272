"""The images that docker-compose.yml and Dockerfile name, each with a variable that may name another one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FILES: Final = ("docker-compose.yml", "Dockerfile")
_DEFAULT: Final = re.compile(r"\b([A-Z]+_IMAGE)(?::-|=)([\w./-]+):([\w.-]+)")


def pinned(root: Path) -> dict[str, tuple[str, str]]:
    """Return by variable an image and its version, as the files have them."""
    text = "".join((root / name).read_text(encoding="utf-8") for name in FILES)
    return {variable: (image, version) for variable, image, version in _DEFAULT.findall(text)}


def other_versions(root: Path) -> Iterator[str]:
    """Yield settings that name the version of an image which this machine has in place of the pinned one.

    An engine without a registry has only what was built for it.
    """
    for variable, (image, version) in pinned(root).items():
        command = ["docker", "image", "ls", "--format", "{{.Tag}}", image]
        here = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()  # noqa: S603  # our own
        if here and version not in here:
            yield f"{variable}={image}:{here[0]}"
