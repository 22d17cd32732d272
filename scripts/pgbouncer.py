"""A private PgBouncer before a PostgreSQL: each transaction may be another server's session."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from scripts import apt
from scripts.machine import answers, free_port, runs, start_program
from scripts.postgres import NO, SSL_REQUEST, USER, YES
from scripts.service import Service, ServiceError

# Fewer sessions than a worker has connections, so that they do change.
SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = users
pool_mode = transaction
default_pool_size = 3
client_tls_sslmode = {tls}
client_tls_key_file = {key}
client_tls_cert_file = {certificate}
"""


def new_bouncer(url: str, tls: tuple[Path, Path] | None = None) -> Bouncer:
    """Return a PgBouncer that is still to be started.

    Args:
        url: Of the PostgreSQL, with its user and password.
        tls: The files of its key and its certificate, if it is to take TLS.
    """
    apt.install("pgbouncer", lambda: _program() is not None)
    if (program := _program()) is None:
        raise ServiceError(
            "no PgBouncer was found: install it (on Debian and Ubuntu: sudo apt-get install pgbouncer)"
        )
    return Bouncer(program, url, tls)


def _program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Bouncer(Service):
    """A private PgBouncer, in transaction mode."""

    name = "pgbouncer"
    variable = "PGBOUNCER_URL"

    def __init__(self, program: str, url: str, tls: tuple[Path, Path] | None) -> None:
        super().__init__()
        self._program = program
        self._server = urlsplit(url)
        self._tls = tls
        self._user = USER if os.geteuid() == 0 else None  # it refuses root

    def url(self) -> str:
        """Return the server's address, with this host and port in the place of its own."""
        login = self._server.netloc.rpartition("@")[0]
        return self._server._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()

    def _configure(self) -> None:
        self.port = free_port()
        key, certificate = (self._own(path) for path in self._tls) if self._tls else ("", "")
        text = SETTINGS.format(
            host=self._server.hostname, port=self._server.port or 5432, listen=self.port,
            tls="allow" if self._tls else "disable", key=key, certificate=certificate,
        )  # fmt: skip
        (self.folder / "settings").write_text(text, encoding="utf-8")
        login = f'"{self._server.username}" "{self._server.password}"\n'
        (self.folder / "users").write_text(login, encoding="utf-8")
        if self._user is not None:
            self._give(self._user, *self.folder.iterdir())

    def _own(self, path: Path) -> Path:
        return Path(shutil.copy(path, self.folder))

    def _launch(self) -> None:
        if not runs(self.process):
            argv = [self._program, str(self.folder / "settings")]
            self.process = start_program(argv, self.environment, self.log, "KILL", self._user)

    def _is_ready(self) -> bool:
        return answers("127.0.0.1", self.port, SSL_REQUEST, (YES, NO))
