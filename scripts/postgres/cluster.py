"""A private PostgreSQL server with one database, in a folder and on a loopback port of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from scripts.postgres.programs import server_user
from scripts.services.errors import ServiceError, tail
from scripts.services.folders import make_folder
from scripts.services.ports import free_ports
from scripts.services.processes import bound_to_us, kill_service, start_service
from scripts.services.waiting import wait_until

USER, DATABASE = "kit", "kit_worker"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
START_ATTEMPTS = 3

# What was confirmed is on disk (fsync and synchronous_commit are on by default, and stay so).
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 32MB
max_connections = 100
timezone = UTC
log_timezone = UTC
"""


class Cluster:
    """One private server: `start` it once, `kill`, `stop` and `launch` it at will, `close` it in the end."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = server_user()
        self._folder, self._lock = make_folder(Path(tempfile.gettempdir()), "kit-worker-postgres-")
        self._server: subprocess.Popen[bytes] | None = None
        self._password = secrets.token_hex(16)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        self._environment = kept | {"LC_ALL": "C.UTF-8", "HOME": str(self._folder)}
        self.port = 0

    @property
    def folder(self) -> Path:
        """Where this server keeps everything."""
        return self._folder

    @property
    def url(self) -> str:
        """The database's address, for SQLAlchemy."""
        return f"postgresql+asyncpg://{USER}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid_file(self) -> Path:
        """The file that is there while the server runs, and after it was killed."""
        return self._data / "postmaster.pid"

    @property
    def asks_whether_ready(self) -> list[str]:
        """The command line that ends with 0 when the server takes connections."""
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--username", USER, "--dbname", DATABASE]
        return [str(self._programs / "pg_isready"), "--quiet", *address]

    def start(self) -> None:
        """Make the cluster, start its server, and return when its database can be used.

        Raises:
            ServiceError: It did not start; the message holds the end of its log.
        """
        self._make()
        for _ in range(START_ATTEMPTS):
            (self.port,) = free_ports(1)
            self.launch()
            if wait_until(self._is_ready, START_SECONDS, give_up=self._has_ended):
                self._create_database()
                return
            self.kill()
            if "could not bind" not in self._logged():  # else somebody was faster; another port will do
                break
        raise ServiceError(
            f"the private PostgreSQL did not start. The end of its log:\n{tail(self._logged())}"
        )

    def launch(self) -> None:
        """Start the server without waiting for it; nothing happens where it runs."""
        if self._has_ended():
            # Should we be killed, it ends at once too, by the signal on which it returns its shared memory.
            argv = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
            self._server = start_service(argv, self._environment, self._log, "QUIT", self._user)

    def stop(self) -> None:
        """Stop it in good order without waiting for clients ("fast")."""
        self._end(signal.SIGINT, STOP_SECONDS)

    def kill(self) -> None:
        """Kill the whole server, as a power cut would; its data stays."""
        if self._server is None or self._has_ended():
            return
        # Halted first: else it would see its children die and begin to recover from that.
        self._server.send_signal(signal.SIGSTOP)
        children = _children(self._server.pid)
        for child in children:
            os.kill(child, signal.SIGKILL)
        wait_until(lambda: not any(map(_is_alive, children)), STOP_SECONDS, interval=0.005)
        kill_service(self._server)

    def close(self) -> None:
        """End it and remove its folder: nobody needs what it held, so nothing is saved first."""
        self._end(signal.SIGQUIT, 10.0)
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()

    # -- its parts ------------------------------------------------------------------------------------

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _make(self) -> None:
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._password, encoding="utf-8")
        self._data.mkdir(mode=0o700)
        if self._user is not None:
            self._folder.chmod(0o711)  # the user passes through, to what is its own
            for path in (password, self._data):
                os.chown(path, self._user.uid, self._user.gid)
        self._run(
            "initdb", "--pgdata", str(self._data), "--username", USER, "--pwfile", str(password),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync",
        )  # fmt: skip
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(CONFIGURATION)

    def _create_database(self) -> None:
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--username", USER]
        self._run("createdb", *address, "--maintenance-db", "postgres", DATABASE)

    def _run(self, program: str, *arguments: str) -> None:
        argv = bound_to_us([str(self._programs / program), *arguments], "KILL")
        done = subprocess.run(
            argv,
            env=self._environment | {"PGPASSWORD": self._password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
            extra_groups=[] if self._user else None,
            cwd=self._folder,
        )
        if done.returncode != 0:
            raise ServiceError(f"PostgreSQL's {program} failed:\n{tail(done.stdout + done.stderr)}")

    def _is_ready(self) -> bool:
        return subprocess.run(self.asks_whether_ready, env=self._environment, check=False).returncode == 0

    def _has_ended(self) -> bool:
        return self._server is None or self._server.poll() is not None

    def _end(self, number: signal.Signals, seconds: float) -> None:
        if self._server is not None:
            self._server.send_signal(number)
            wait_until(self._has_ended, seconds, interval=0.02)

    def _logged(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def _children(pid: int) -> list[int]:
    """Return the children of a process; where the system does not tell, they notice its end by themselves."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text(encoding="ascii").split()] if path.exists() else []


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}
