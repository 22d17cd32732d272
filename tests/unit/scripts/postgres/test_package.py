"""Installing PostgreSQL without a database of the system's."""

import contextlib
from pathlib import Path

from scripts.postgres.package import _no_cluster_is_made


def test_the_setting_is_there_for_the_installation_only(tmp_path: Path) -> None:
    """Given a machine without PostgreSQL, the package finds the setting, and a failed one leaves none."""
    settings = tmp_path / "postgresql-common" / "createcluster.d"
    with contextlib.suppress(OSError), _no_cluster_is_made(settings):
        (file,) = settings.iterdir()
        assert file.suffix == ".conf"  # Debian reads no others
        assert "create_main_cluster = false" in file.read_text().splitlines()
        raise OSError("no space left for the package")
    assert list(settings.iterdir()) == []
