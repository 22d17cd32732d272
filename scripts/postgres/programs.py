"""Where this system keeps PostgreSQL's programs, and as whom they run."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from scripts.services.errors import ServiceError
from scripts.services.processes import User

PACKAGED = Path("/usr/lib/postgresql")
# Debian's packages come with the first; every system has the second.
UNPRIVILEGED = ("postgres", "nobody")


def find_programs(packaged: Path = PACKAGED) -> Path | None:
    """Return the folder of initdb and postgres, of the newest version, or None where there is no server.

    Debian keeps each version's in a folder of its own, outside of PATH.
    """
    versions = [folder for folder in packaged.glob("*/bin") if (folder / "initdb").exists()]
    if versions:
        return max(versions, key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def server_user() -> User | None:
    """Return as whom the server has to run; None for ourselves, who are not root: PostgreSQL refuses root.

    Raises:
        ServiceError: This system has no such user.
    """
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(found.pw_uid, found.pw_gid)
    names = " or ".join(UNPRIVILEGED)
    raise ServiceError(f"PostgreSQL does not run as root, and there is no user {names}: be another user.")
