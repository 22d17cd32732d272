"""Usage: scripts/with-broker [--docker] COMMAND…

Runs COMMAND with AMQP_URL set, and exits as it does. The broker is the one of AMQP_URL where that is set
already, else a private rabbitmq-server (installed first if need be and if we are root on Debian or Ubuntu),
else a container in Docker. A private broker is gone afterwards, with all that it held.

  --docker   always a container: RabbitMQ 4, whatever this system has and AMQP_URL says
"""  # noqa: D415  it is what the program prints

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scripts import apt, service
from scripts.control import Answer
from scripts.machine import answers, free_port, free_ports, kill_program, runs, start_program
from scripts.service import Service, ServiceError, check_given

IMAGE = "rabbitmq:4-management"  # any RabbitMQ 4 will do
IN_DOCKER = "--docker"
# The packages' own scripts: what lies in /usr/sbin is a wrapper that insists on root and changes the user.
PACKAGED = "/usr/lib/rabbitmq/bin"
AMQP_HEADER, METHOD_FRAME_ON_CHANNEL_0 = b"AMQP\x00\x00\x09\x01", b"\x01\x00\x00"
# RabbitMQ notes a new queue on disk up to half a second after it has confirmed it, on a busy machine later.
# Killed before that, 3.10 comes back with a queue that has no leader and never answers: a fault that no test
# here is about. So it ends itself in the moment after it has noted them, as abruptly as by a signal. That
# makes it rare: a queue that is being declared in that very moment may still come back so.
NOTE_QUEUES_AND_END = "[ok = dets:sync(Table) || Table <- dets:all()], erlang:halt(137, [{flush, false}])."
# After a start each replicated queue elects a leader, which takes some seconds; only then does it answer.
WITHOUT_LEADER = "[Queue || Queue <- ets:tab2list(ra_state), element(2, Queue) =/= leader]."
CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
log.console = true
log.file = false
"""
# A bare system may lack /etc/hosts, and with it the host of the node's name.
NAMES = """\
{host, {127,0,0,1}, ["localhost"]}.
{lookup, [file, native]}.
"""
# Two schedulers that do not spin while they wait: a test broker has no use for all the cores of a machine.
ERLANG = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


def main(command: Sequence[str]) -> int:
    """Run the command with a broker and return its exit code."""
    in_docker = command[:1] == [IN_DOCKER]
    return service.main("with-broker", __doc__, command[in_docker:], _container if in_docker else _find)


def _container() -> Broker:
    if not _docker_answers():
        raise ServiceError(f"no Docker engine answers, and {IN_DOCKER} needs one: see 'docker info'.")
    return Container()


def _find() -> Broker | None:
    if check_given("AMQP_URL", "RabbitMQ", url_answers):
        return None
    try:
        apt.install("rabbitmq-server", lambda: _installed() is not None)
    except ServiceError:
        if not _docker_answers():
            raise
    if server := _installed():
        return Node(server)
    if _docker_answers():
        return Container()
    raise ServiceError(
        "no RabbitMQ was found. Set AMQP_URL to a running broker, or install rabbitmq-server (on Debian and "
        "Ubuntu: sudo apt-get install rabbitmq-server), or start Docker."
    )


def url_answers(url: str) -> bool:
    """Tell whether a broker greets at a node of an AMQP URL; behind TLS that is the command's to find out."""
    parts = urlsplit(url)
    nodes = [urlsplit(f"//{node}") for node in parts.netloc.rpartition("@")[2].split(",")]
    return parts.scheme == "amqps" or any(
        answers(node.hostname or "localhost", node.port or 5672, AMQP_HEADER, (METHOD_FRAME_ON_CHANNEL_0,))
        for node in nodes
    )


def _installed() -> str | None:
    return shutil.which("rabbitmq-server", path=f"{PACKAGED}:{os.environ.get('PATH', '')}")


def _docker_answers() -> bool:
    asks = ["timeout", "10", "docker", "info"]
    there = shutil.which("docker") is not None
    return there and subprocess.run(asks, capture_output=True, check=False).returncode == 0


class Broker(Service):
    """A private RabbitMQ, as a node or in a container; `rabbitmqctl` is the command line that talks to it."""

    name = "broker"
    variable = "AMQP_URL"
    rabbitmqctl: list[str]

    def url(self) -> str:
        """Return where it is."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def control(self, arguments: Sequence[str]) -> Answer:
        """Carry out a command of broker-ctl."""
        if arguments[:1] == ["rabbitmqctl"]:
            return self._ask(*arguments[1:])
        if arguments == ["kill"]:
            self._ask("eval", NOTE_QUEUES_AND_END)  # a node that is not up has none to note
        return super().control(arguments)

    def _is_ready(self) -> bool:
        # It takes connections, and each replicated queue has a leader.
        if not url_answers(self.url()):
            self._lacks = f"nobody answers at port {self.port}"
            return False
        asked = self._ask("--silent", "eval", WITHOUT_LEADER)
        self._lacks = f"replicated queues without a leader: {asked.out}{asked.err}".rstrip()
        return asked.out == "[]\n"

    def _ask(self, *arguments: str) -> Answer:
        command = [*self.rabbitmqctl, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)


class Node(Broker):
    """A rabbitmq-server whose ports, name, cookie, folder and port mapper are its own."""

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server
        self.rabbitmqctl = [str(Path(server).with_name("rabbitmqctl"))]
        self._mapper: subprocess.Popen[bytes] | None = None
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16), encoding="utf-8")
        cookie.chmod(0o400)

    def close(self) -> None:
        """End the port mapper as well."""
        kill_program(self._mapper)
        super().close()

    def _configure(self) -> None:
        kill_program(self._mapper)
        self.port, distribution_port, mapper_port = free_ports(3)
        files = {"rabbitmq.conf": CONFIGURATION.format(port=self.port), "plugins": "[].\n", "names": NAMES}
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))}
        self.environment = kept | {
            "HOME": str(self.folder),  # Erlang looks for the cookie here
            "LC_ALL": "C.UTF-8",
            # A port mapper of our own, so that neither the machine's nor its other nodes see this one.
            "ERL_EPMD_PORT": str(mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_INETRC": str(self.folder / "names"),
            "ERL_CRASH_DUMP_SECONDS": "0",  # no dump
            "RABBITMQ_NODENAME": f"kit-worker-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
            # rabbitmq-server then becomes the node instead of watching over it: one process to kill.
            "detached": "1",
        }

    def _launch(self) -> None:
        if not runs(self._mapper):
            self._mapper = start_program(["epmd"], self.environment, self.log)
        if not runs(self.process):
            self.process = start_program([self._server], self.environment, self.log)


class Container(Broker):
    """One container."""

    start_seconds = 300.0  # the image may have to be downloaded

    def __init__(self) -> None:
        super().__init__()
        self._container = f"kit-worker-broker-{secrets.token_hex(4)}"
        self.rabbitmqctl = ["docker", "exec", self._container, "rabbitmqctl"]

    def close(self) -> None:
        """Remove the container and its data."""
        super().close()
        _docker("rm", "--force", "--volumes", self._container)

    def _configure(self) -> None:
        _docker("rm", "--force", "--volumes", self._container)
        self.port = free_port()
        self._run("run", "--name", self._container, "--publish", f"127.0.0.1:{self.port}:5672", IMAGE)

    def _launch(self) -> None:
        if not runs(self.process):
            self._run("start", "--attach", self._container)

    def _kill(self) -> None:
        _docker("kill", self._container)
        super()._kill()

    def _run(self, *arguments: str) -> None:
        # The client passes SIGTERM on to the container, so that it ends even when we are killed outright.
        self.process = start_program(["docker", *arguments], self.environment, self.log, last_signal="TERM")


def _docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], capture_output=True, check=False)
