"""Usage: scripts/with-postgres COMMAND…

Runs COMMAND with POSTGRES_URL set, and exits as it does. The database is the one of POSTGRES_URL where that
is set already, else that of a private server (PostgreSQL is installed first if need be and if we are root on
Debian or Ubuntu). A private server is gone afterwards, with all that it held.
"""  # noqa: D415  it is what the program prints

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scripts import apt, service
from scripts.control import Answer
from scripts.machine import answers, bound_to_us, free_port, kill_program, runs, start_program, wait_until
from scripts.service import Service, ServiceError, check_given, tail

PACKAGED = Path("/usr/lib/postgresql")
# Debian's package makes a database cluster, unless a file here says otherwise.
SETTINGS = Path("/etc/postgresql-common/createcluster.d/kit-worker.conf")
NO_CLUSTER = {SETTINGS: f"# {apt.MARK}\ncreate_main_cluster = false\n"}
SSL_REQUEST, YES, NO = b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"S", b"N"
STOP_SECONDS = 60.0
USER = "postgres"  # PostgreSQL refuses root; its packages come with this one
# What was confirmed is on disk (fsync and synchronous_commit are on by default, and stay so).
CONFIGURATION = (
    "listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=32MB", "timezone=UTC",
    "log_timezone=UTC",
)  # fmt: skip


def main(command: Sequence[str]) -> int:
    """Run the command with a database and return its exit code."""
    return service.main("with-postgres", __doc__, command, _find)


def _find() -> Server | None:
    if check_given("POSTGRES_URL", "PostgreSQL", url_answers):
        return None
    apt.install("postgresql", lambda: find_programs() is not None, NO_CLUSTER)
    if (programs := find_programs()) is not None:
        return Server(programs)
    raise ServiceError(
        "no PostgreSQL server was found. Set POSTGRES_URL to a database of a running one "
        "(postgresql+asyncpg://user:password@host/database), or install postgresql (on Debian and Ubuntu: "
        "sudo apt-get install postgresql)."
    )


def url_answers(url: str) -> bool:
    """Tell whether a server answers whether it speaks TLS; one behind a file is the command's to find out."""
    host, port = urlsplit(url).hostname, urlsplit(url).port or 5432
    return host is None or answers(host, port, SSL_REQUEST, (YES, NO))


def find_programs(packaged: Path = PACKAGED) -> Path | None:
    """Return the folder of the newest server's programs; Debian has one for each version, outside of PATH."""
    newest = max(packaged.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Server(Service):
    """A private server."""

    name = "postgres"
    variable = "POSTGRES_URL"

    def __init__(self, programs: Path) -> None:
        super().__init__()
        self._programs = programs
        self._user = USER if os.geteuid() == 0 else None
        self._home = self.folder / "home"
        self._data = self._home / "data"
        self._password = secrets.token_hex(16)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        self.environment = kept | {"LC_ALL": "C.UTF-8", "HOME": str(self._home)}

    def url(self) -> str:
        """Return where its database is, for SQLAlchemy."""
        return f"postgresql+asyncpg://kit:{self._password}@127.0.0.1:{self.port}/postgres"

    def control(self, arguments: Sequence[str]) -> Answer:
        """Carry out a command of postgres-ctl."""
        if arguments == ["stop"]:
            self._end(signal.SIGINT)  # "fast": without waiting for clients
            return Answer()
        return super().control(arguments)

    def close(self) -> None:
        """End it so that it returns its shared memory."""
        self._end(signal.SIGQUIT)
        super().close()

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            wait_until(lambda: not runs(self.process), STOP_SECONDS)

    def _kill(self) -> None:
        if self.process is None or not runs(self.process):
            return
        # Each of its processes has a session of its own, and would go on for a moment.
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = children.read_text(encoding="ascii").split() if children.exists() else []
        kill_program(self.process)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # it has noticed, and ended
                os.kill(int(pid), signal.SIGKILL)

    def _launch(self) -> None:
        if not runs(self.process):
            # Should we be killed, it ends at once too, by the signal on which it returns its shared memory.
            argv = [str(self._programs / "postgres"), "-D", str(self._data)]  # PGPORT is its port
            argv += [word for setting in CONFIGURATION for word in ("-c", setting)]
            self.process = start_program(argv, self.environment, self.log, "QUIT", self._user)

    def _is_ready(self) -> bool:
        asks = [str(self._programs / "pg_isready"), "--quiet"]
        return subprocess.run(asks, env=self.environment, check=False).returncode == 0

    def _configure(self) -> None:
        self.port = free_port()
        self.environment |= {"PGHOST": "127.0.0.1", "PGPORT": str(self.port)}
        if self._data.exists():
            return
        password = self.folder / "password"
        password.write_text(self._password, encoding="utf-8")
        password.chmod(0o600)
        self._home.mkdir(mode=0o700, exist_ok=True)
        if self._user is not None:
            self._give(self._user, password, self._home)
        argv = [
            str(self._programs / "initdb"), "--pgdata", str(self._data), "--username", "kit", "--no-sync",
            "--pwfile", str(password), "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale",
        ]  # fmt: skip
        done = subprocess.run(
            bound_to_us(argv, "KILL", self._user),
            env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServiceError(f"PostgreSQL's initdb failed:\n{tail(done.stdout + done.stderr)}")
