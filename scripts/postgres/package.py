"""Installing the system's postgresql package, without a database of the system's starting with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.postgres.programs import find_programs
from scripts.services import apt

PACKAGE = "postgresql"
# Debian's package makes a database cluster and starts it, unless a file here says otherwise.
SETTINGS = Path("/etc/postgresql-common/createcluster.d")


def install() -> None:
    """Install the package, unless another run does it first.

    Raises:
        ServiceError: apt-get failed; the message holds the end of its output.
    """

    def is_there() -> bool:
        return find_programs() is not None

    apt.install("PostgreSQL", PACKAGE, is_there, lambda: _no_cluster_is_made(SETTINGS))


@contextmanager
def _no_cluster_is_made(settings: Path) -> Iterator[None]:
    file = settings / "kit-worker.conf"
    settings.mkdir(parents=True, exist_ok=True)
    file.write_text("# For the time of one installation.\ncreate_main_cluster = false\n", encoding="utf-8")
    try:
        yield
    finally:
        file.unlink()
