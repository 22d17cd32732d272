"""A private rabbitmq-server: its ports, name, cookie, folder and port mapper are its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from scripts.broker.probe import greets
from scripts.services.errors import ServiceError, tail
from scripts.services.folders import make_folder
from scripts.services.ports import free_ports
from scripts.services.processes import kill_service, start_service
from scripts.services.waiting import wait_until

# The packages' own scripts: what lies in /usr/sbin is a wrapper that insists on root and changes the user.
PACKAGED = Path("/usr/lib/rabbitmq/bin")
START_SECONDS = 120.0
START_ATTEMPTS = 3

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
log.console = false
log.file = {log}
log.file.level = info
"""
# A bare system may lack /etc/hosts, and with it the host of the node's name.
NAMES = """\
{host, {127,0,0,1}, ["localhost"]}.
{lookup, [file, native]}.
"""


def find_scripts() -> Path | None:
    """Return the folder of rabbitmq-server and rabbitmqctl, or None where RabbitMQ is not installed."""
    if (PACKAGED / "rabbitmq-server").exists():
        return PACKAGED
    found = shutil.which("rabbitmq-server")
    return Path(found).parent if found else None


class Node:
    """One private node: `start` it once, `kill` and `launch` it at will, `close` it in the end."""

    def __init__(self, scripts: Path, parent: Path) -> None:
        self._scripts = scripts
        self._folder, self._lock = _make_folder(parent)
        self._server: subprocess.Popen[bytes] | None = None
        self._mapper: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.environment: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """Where this node keeps everything."""
        return self._folder

    @property
    def rabbitmqctl(self) -> list[str]:
        """The command line that talks to this node, given `environment`."""
        return [str(self._scripts / "rabbitmqctl")]

    def start(self) -> None:
        """Start the node and return when it takes connections.

        Raises:
            ServiceError: it did not start; the message holds the end of its log.
        """
        for _ in range(START_ATTEMPTS):
            self._configure()
            self.launch()
            if wait_until(lambda: greets("127.0.0.1", self.port), START_SECONDS, give_up=self._has_ended):
                return
            self.kill()
            if not self._lost_a_port():
                break
        raise ServiceError(
            f"the private RabbitMQ node did not start. The end of its log:\n{tail(self._logs())}"
        )

    def launch(self) -> None:
        """Start the processes without waiting for them."""
        output = self._folder / "output.log"
        if self._mapper is None or self._mapper.poll() is not None:
            self._mapper = start_service(["epmd"], self.environment, output)
        if self._has_ended():
            self._server = start_service([str(self._scripts / "rabbitmq-server")], self.environment, output)

    def kill(self) -> None:
        """Kill the node as a power cut would; its data stays."""
        kill_service(self._server)

    def close(self) -> None:
        """End all of it and remove its folder: nobody needs what it held, so nothing is shut down gently."""
        kill_service(self._server)
        kill_service(self._mapper)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()

    def _has_ended(self) -> bool:
        return self._server is None or self._server.poll() is not None

    def _configure(self) -> None:
        self.port, distribution_port, mapper_port = free_ports(3)
        kill_service(self._mapper)
        shutil.rmtree(self._folder / "data", ignore_errors=True)
        (self._folder / "output.log").write_text("", encoding="utf-8")
        (self._folder / "rabbitmq.conf").write_text(
            CONFIGURATION.format(port=self.port, log=self._folder / "node.log"), encoding="utf-8"
        )
        (self._folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        (self._folder / "names").write_text(NAMES, encoding="utf-8")
        name = f"kit-worker-{self.port}@localhost"
        self.environment = _environment(os.environ, self._folder, name, distribution_port, mapper_port)

    def _lost_a_port(self) -> bool:
        """Somebody else was faster; other ports will do."""
        mapper_ended = self._mapper is not None and self._mapper.poll() is not None
        return mapper_ended or "eaddrinuse" in self._logs()

    def _logs(self) -> str:
        logs = [self._folder / "node.log", self._folder / "output.log"]
        return "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists())


def _environment(
    inherited: Mapping[str, str], folder: Path, name: str, distribution_port: int, mapper_port: int
) -> dict[str, str]:
    """Return the environment in which both the node and its rabbitmqctl run."""
    kept = {key: value for key, value in inherited.items() if not key.startswith(("RABBITMQ_", "ERL_"))}
    return kept | {
        "HOME": str(folder),  # Erlang looks for the cookie here
        "LC_ALL": "C.UTF-8",
        # A port mapper of our own, so that neither the machine's nor its other nodes see this one.
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_INETRC": str(folder / "names"),
        "ERL_CRASH_DUMP_SECONDS": "0",  # no dump: it would lie in whatever folder the person is in
        "RABBITMQ_NODENAME": name,
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_PID_FILE": str(folder / "node.pid"),
        # Two schedulers: a test broker has no use for all the cores of a big machine.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
        # rabbitmq-server then becomes the node instead of watching over it: one process to kill.
        "detached": "1",
    }


def _make_folder(parent: Path) -> tuple[Path, IO[str]]:
    """Make the node's folder, with its cookie, and return its lock too."""
    try:
        folder, lock = make_folder(parent, "node-")
    except OSError:  # a working tree that we may not write to
        folder, lock = make_folder(Path(tempfile.gettempdir()), "kit-worker-node-")
    cookie = folder / ".erlang.cookie"
    cookie.write_text(secrets.token_hex(16), encoding="utf-8")
    cookie.chmod(0o400)
    return folder, lock
