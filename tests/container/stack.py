"""The stack of docker-compose.yml under a project name of its own, and what one can do to it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from scripts.machine import free_port
from tests.container.docker import TrialFailed, run, timed
from tests.container.images import other_versions
from tests.container.workload import KEYS_FOLDER, TrialAccount
from worker.broker.topology import work_queue
from worker.sandbox import Call

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "of-the-trial"
PAGE_TOKEN: Final = "to-the-page-of-the-trial"
START_TIMEOUT: Final = 300
"""Seconds; the slowest part is an engine that copies whole images."""


@dataclass(frozen=True, slots=True)
class Consumers:
    """Who consumes an account's queue: container host names, the active one apart."""

    active: str
    waiting: frozenset[str]


class Stack:
    """The running containers.

    Args:
        folder: For the account files, the keys and the settings of the trial.
        accounts: The accounts that its workers serve.
        workers: How many containers the worker has.

    Attributes:
        project: Its name.
        files: Of docker compose, from the project's folder.
        services: What is started.
        worker_services: Those of them that are workers.
        broker: The service whose `rabbitmqctl` is asked.
    """

    project: ClassVar[str] = "kit-worker-trial"
    files: ClassVar[tuple[str, ...]] = ("docker-compose.yml",)
    services: ClassVar[tuple[str, ...]] = ("rabbitmq", "postgres", "sandbox", "worker", "page")
    worker_services: ClassVar[tuple[str, ...]] = ("worker",)
    broker: ClassVar[str] = "rabbitmq"

    def __init__(self, folder: Path, accounts: Iterable[TrialAccount], workers: int) -> None:
        self._folder = folder
        self._accounts = tuple(accounts)
        self._workers = workers
        self._amqp_port = free_port()

    # -- its life -------------------------------------------------------------------------------------

    def up(self) -> None:
        """Build the image and start everything; returns when all of it is healthy."""
        self._write_settings()
        each = self._workers // len(self.worker_services)
        scale = [f"--scale={service}={each}" for service in self.worker_services]
        wait = ("--wait", "--wait-timeout", str(START_TIMEOUT))
        self._compose("up", "--build", "--detach", *scale, *wait, *self.services)

    def down(self) -> None:
        """Remove the containers, the network and the volume."""
        self._compose("down", "--volumes", "--timeout", "5")

    def _write_settings(self) -> None:
        (self._folder / "config/accounts").mkdir(parents=True)
        (self._folder / "config" / KEYS_FOLDER).mkdir()
        lines = [
            "COMPOSE_PROFILES=demo",
            f"KEYS_ENV={self._keys_file}",
            *(f"{name}_PASSWORD={PASSWORD}" for name in ("RABBITMQ", "POSTGRES", "GRAFANA")),
            *other_versions(ROOT),
            f"CONFIG_DIR={self._folder / 'config'}",
            f"RABBITMQ_PORT={self._amqp_port}",  # the same again when its container is
            "RABBITMQ_MANAGEMENT_PORT=0",
            "SANDBOX_PORT=0",
            "PAGE_PORT=0",
            f"PAGE_TOKEN={PAGE_TOKEN}",
            f"PAGE_SECRET={PAGE_TOKEN}, and what signs",
            "KIT_BASE_URL=http://sandbox:8025",
            "KIT_ALLOW_HTTP=1",
            "KIT_RATE_LIMIT=1000000",
            *self._more_settings(),
        ]
        keys = [line for account in self._accounts for line in account.write(self._folder / "config")]
        self._env_file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        self._keys_file.write_text("\n".join([*keys, ""]), encoding="utf-8")
        self._folder.chmod(0o755)  # the containers' user is another one than ours
        (self._folder / "config/accounts").chmod(0o777)  # the page saves there

    def _more_settings(self) -> Iterable[str]:
        """Return what else its files need to know."""
        return ()

    @property
    def _env_file(self) -> Path:
        return self._folder / "trial.env"

    @property
    def _keys_file(self) -> Path:
        return self._folder / "keys.env"

    # -- its workers ----------------------------------------------------------------------------------

    def workers(self) -> dict[str, str]:
        """Return the workers' containers: ids by host name, which is the id's beginning."""
        ids = self._compose("ps", "--all", "--quiet", *self.worker_services).split()
        return {each[:12]: each for each in ids}

    def states(self) -> dict[str, str]:
        """Return by host name whether a worker is healthy, and where it ended, its exit code."""
        form = "{{.Config.Hostname}} {{.State.Status}} {{.State.Health.Status}} {{.State.ExitCode}}"
        lines = run("docker", "inspect", "--format", form, *self.workers().values()).splitlines()
        parts = [line.split() for line in lines]
        return {
            name: health if status == "running" else f"exit {code}" for name, status, health, code in parts
        }

    def stop(self, worker: str) -> float:
        """`docker stop`: SIGTERM and time to finish. Returns the seconds that it took."""
        return timed("docker", "stop", "--time", "35", worker)

    def kill(self, worker: str) -> float:
        """`docker kill`: SIGKILL."""
        return timed("docker", "kill", worker)

    def start(self, worker: str) -> float:
        """`docker start`: the same container, and so the same worker id."""
        return timed("docker", "start", worker)

    def readyz(self, worker: str) -> tuple[int, dict[str, Any]]:
        """Return a worker's `/readyz`: its status and its JSON."""
        ask = (
            "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8080, timeout=10); "
            "c.request('GET', '/readyz'); a = c.getresponse(); print(a.status, a.read().decode())"
        )
        status, _, body = run("docker", "exec", worker, "python", "-Sc", ask).partition(" ")
        return int(status), json.loads(body)

    def logged(self, worker: str) -> list[dict[str, Any]]:
        """Return the log records of a worker, running or not."""
        lines = run("docker", "logs", worker, stderr=subprocess.STDOUT).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def save_logs(self, folder: Path) -> None:
        """Write each worker's log into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.workers():
            text = run("docker", "logs", name, stderr=subprocess.STDOUT)
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")

    def memory(self) -> str:
        """Return what each worker has in memory now."""
        return run("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", *self.workers().values())

    # -- its other services ---------------------------------------------------------------------------

    def stop_service(self, service: str) -> None:
        """Stop it in good order."""
        self._compose("stop", service)

    def start_service(self, service: str) -> None:
        """Start it again, without waiting until it can be used."""
        self._compose("start", service)

    def unplug_sandbox(self) -> None:
        """Take the sandbox off the network, with all that it holds; to stop it would be to empty it."""
        run("docker", "network", "disconnect", f"{self.project}_kit", self._container("sandbox"))

    def plug_sandbox(self) -> None:
        """Put it on the network again."""
        container = self._container("sandbox")
        run("docker", "network", "connect", "--alias", "sandbox", f"{self.project}_kit", container)

    def _container(self, service: str) -> str:
        return self._compose("ps", "--all", "--quiet", service).strip()

    def history(self) -> list[tuple[str, str, str]]:
        """Return account, event id and outcome of each line of the ledger's history."""
        rows = self._asked("SELECT account, event_id, outcome FROM history")
        return [(account, event, outcome) for account, event, outcome in rows]

    def _asked(self, query: str) -> list[list[str]]:
        """Return the rows that PostgreSQL answers."""
        psql = ("psql", "--username", "kit", "--dbname", "kit_worker", "--no-align", "--tuples-only")
        answer = self._compose("exec", "-T", "postgres", *psql, "--command", query)
        return [row.split("|") for row in answer.splitlines()]

    def page_address(self) -> str:
        """Return where the page is served, from this machine."""
        return self._address("page", 8090)

    # -- RabbitMQ -------------------------------------------------------------------------------------

    def amqp_url(self) -> str:
        """Return the broker's address, from this machine."""
        return f"amqp://kit:{PASSWORD}@127.0.0.1:{self._amqp_port}/"

    def consumers(self) -> dict[str, Consumers]:
        """Return by account who consumes its queue."""
        rows = self._rabbitmqctl("list_consumers", "queue_name", "consumer_tag", "active")
        found: dict[str, Consumers] = {}
        work = {work_queue(account.name) for account in self._accounts}
        by_queue = defaultdict(list)
        for row in rows:
            by_queue[row["queue_name"]].append(row)
        for queue in work & by_queue.keys():
            of_queue = by_queue[queue]
            active = [_worker_of(row["consumer_tag"]) for row in of_queue if row["active"]]
            if len(active) > 1:
                raise TrialFailed(f"{queue} has several active consumers: {active}")
            waiting = frozenset(_worker_of(row["consumer_tag"]) for row in of_queue if not row["active"])
            found[queue.removeprefix("kit.")] = Consumers(active[0] if active else "", waiting)
        return found

    def depths(self) -> dict[str, int]:
        """Return how many messages each queue holds, those in hand included."""
        return {row["name"]: row["messages"] for row in self._rabbitmqctl("list_queues", "name", "messages")}

    def _rabbitmqctl(self, *arguments: str) -> list[dict[str, Any]]:
        command = ("rabbitmqctl", "--quiet", "--formatter", "json")
        output = self._compose("exec", "-T", self.broker, *command, *arguments)
        rows: list[dict[str, Any]] = json.loads(output)
        return rows

    # -- the sandbox ----------------------------------------------------------------------------------

    def configure_sandbox(self, *, latency: float) -> None:
        """Turn its limits off, and let every answer take so many seconds."""
        self._sandbox("limits", {"api_key": None})
        self._sandbox("settings", {"latency": latency})

    def kit_accounts(self) -> list[dict[str, Any]]:
        """Return everything that the sandbox holds, by Kit account."""
        accounts: list[dict[str, Any]] = self._sandbox("state")["accounts"]
        return accounts

    def calls(self, since: int = 0) -> list[Call]:
        """Return the calls that the workers made, after the one of that number."""
        return [Call(**call) for call in self._sandbox(f"calls?limit=200000&since={since}")["calls"]]

    def _sandbox(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        url = f"http://{self._address('sandbox', 8025)}/_sandbox/{path}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(url, data, timeout=60) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

    # -- docker compose -------------------------------------------------------------------------------

    def _address(self, service: str, port: int) -> str:
        return self._compose("port", service, str(port)).strip()

    def _compose(self, *arguments: str) -> str:
        options = (
            "--project-directory",
            str(ROOT),
            "--project-name",
            self.project,
            "--env-file",
            str(self._env_file),
            *(f"--file={ROOT / file}" for file in self.files),
        )
        return run("docker", "compose", *options, *arguments)


def _worker_of(consumer_tag: str) -> str:
    return consumer_tag.rpartition("-")[0]


def caller(call: Call) -> str:
    """Return the worker that made a call."""
    return call.user_agent.partition("(")[2].rstrip(")")
