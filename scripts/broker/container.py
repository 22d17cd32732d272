"""A private RabbitMQ in Docker, on a loopback port of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.broker.probe import greets
from scripts.services.errors import ServiceError, tail
from scripts.services.ports import free_ports
from scripts.services.processes import kill_service, start_service
from scripts.services.waiting import wait_until

IMAGE = "rabbitmq:4-management"  # the one that docker-compose.yml uses
LABEL = "kit-worker-broker"
START_SECONDS = 300.0  # the image may have to be downloaded


def docker_answers() -> bool:
    """Tell whether there is a Docker engine that we may use."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


class Container:
    """One container; the same life as a `Node`."""

    def __init__(self) -> None:
        self._name = f"kit-worker-broker-{secrets.token_hex(4)}"
        self._folder = Path(tempfile.mkdtemp(prefix="kit-worker-broker-"))
        self._client: subprocess.Popen[bytes] | None = None
        self.port = free_ports(1)[0]
        self.environment = dict(os.environ)

    @property
    def folder(self) -> Path:
        """Where the container's output goes."""
        return self._folder

    @property
    def rabbitmqctl(self) -> list[str]:
        """The command line that talks to this node."""
        return ["docker", "exec", self._name, "rabbitmqctl"]

    def start(self) -> None:
        """Start the container and return when RabbitMQ takes connections.

        Raises:
            ServiceError: it did not start; the message holds the end of its output.
        """
        # What runs of ours that were killed outright have left.
        self._docker("container", "prune", "--force", "--filter", f"label={LABEL}", "--filter", "until=1h")
        published = f"127.0.0.1:{self.port}:5672"
        self._run("run", "--name", self._name, "--label", LABEL, "--publish", published, IMAGE)
        if not wait_until(lambda: greets("127.0.0.1", self.port), START_SECONDS, give_up=self._has_ended):
            output = self._log.read_text(encoding="utf-8", errors="replace")
            raise ServiceError(f"RabbitMQ in Docker did not start. The end of its output:\n{tail(output)}")

    def launch(self) -> None:
        """Start it again after a `kill`, without waiting for it; nothing happens where it runs."""
        if self._has_ended():
            self._run("start", "--attach", self._name)

    def kill(self) -> None:
        """Kill it as a power cut would; its data stays."""
        self._docker("kill", self._name)
        kill_service(self._client)

    def close(self) -> None:
        """Remove the container and its data."""
        self._docker("rm", "--force", "--volumes", self._name)
        kill_service(self._client)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder / "output.log"

    def _has_ended(self) -> bool:
        return self._client is None or self._client.poll() is not None

    def _run(self, *arguments: str) -> None:
        # The client passes SIGTERM on to the container, so that it ends even when we are killed outright.
        self._client = start_service(["docker", *arguments], self.environment, self._log, last_signal="TERM")

    @staticmethod
    def _docker(*arguments: str) -> None:
        subprocess.run(["docker", *arguments], capture_output=True, check=False)
