"""The same stack with three nodes of RabbitMQ in a cluster, and workers in two groups that may be shards."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from scripts.machine import free_ports
from tests.container.docker import run
from tests.container.stack import PASSWORD, Stack
from tests.container.workload import TrialAccount

NODES: Final = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
FIRST, SECOND, THIRD = NODES


@dataclass(frozen=True, slots=True)
class Used:
    """What a container has used: seconds of a processor since its start, and MB of memory by now."""

    seconds: float
    megabytes: float


class ClusterStack(Stack):
    """The running containers; see `Stack`. The third node is the one that stays, and is asked."""

    project: ClassVar[str] = "kit-worker-cluster-trial"
    files: ClassVar[tuple[str, ...]] = ("docker-compose.yml", "tests/container/cluster.yml")
    services: ClassVar[tuple[str, ...]] = (*NODES, "postgres", "sandbox", "worker", "second")
    worker_services: ClassVar[tuple[str, ...]] = ("worker", "second")
    broker: ClassVar[str] = THIRD

    def __init__(
        self, folder: Path, accounts: Iterable[TrialAccount], workers: int, net_ticktime: int
    ) -> None:
        super().__init__(folder, accounts, workers)
        self._net_ticktime = net_ticktime
        self._ports = free_ports(2)
        self._second_folder = folder / "config-of-the-second"

    def _write_settings(self) -> None:
        super()._write_settings()
        shutil.copytree(self._folder / "config", self._second_folder)

    def _more_settings(self) -> Iterable[str]:
        yield f"AMQP_URL=amqp://kit:{PASSWORD}@{','.join(f'{node}:5672' for node in NODES)}/"
        yield f"NET_TICKTIME={self._net_ticktime}"
        yield f"SECOND_CONFIG_DIR={self._second_folder}"
        yield from (f"RABBITMQ_{node}_PORT={port}" for node, port in enumerate(self._ports, 2))

    def amqp_urls(self) -> list[str]:
        """Return the address of each node, from this machine."""
        ports = (self._amqp_port, *self._ports)
        return [f"amqp://kit:{PASSWORD}@127.0.0.1:{port}/" for port in ports]

    # -- its nodes ------------------------------------------------------------------------------------

    def kill_node(self, node: str) -> None:
        """SIGKILL; its container stays away until it is started."""
        run("docker", "kill", self._container(node))

    def cut_off(self, node: str) -> None:
        """Take a node off the network of the nodes; whoever uses it still reaches it."""
        run("docker", "network", "disconnect", f"{self.project}_cluster", self._container(node))

    def join_again(self, node: str) -> None:
        """Put it on the network of the nodes again."""
        name = f"node-{NODES.index(node) + 1}"
        run("docker", "network", "connect", "--alias", name, f"{self.project}_cluster", self._container(node))

    def running_nodes(self) -> int:
        """Return how many nodes the third one sees in the cluster."""
        command = ("rabbitmqctl", "--quiet", "--formatter", "json", "cluster_status")
        status = json.loads(self._compose("exec", "-T", self.broker, *command))
        return len(status["running_nodes"])

    def leaders(self) -> Counter[str]:
        """Return how many queues each node leads."""
        return Counter(row["leader"] for row in self._rabbitmqctl("list_queues", "name", "leader"))

    def consuming_at(self) -> Counter[str]:
        """Return how many workers consume over each node."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        ids = {node: self._container(node) for node in NODES}
        nodes = {ip: node for node in NODES for ip in run("docker", "inspect", "-f", form, ids[node]).split()}
        rows = self._rabbitmqctl("list_connections", "name", "client_properties")
        # A name is "172.20.0.7:41234 -> 172.20.0.3:5672".
        ends = [row["name"].split()[2] for row in rows if " consuming" in str(row["client_properties"])]
        return Counter(nodes[end.rpartition(":")[0]] for end in ends)

    # -- its shards -----------------------------------------------------------------------------------

    def workers_of(self, service: str) -> set[str]:
        """Return the host names of one group of workers."""
        return {each[:12] for each in self._compose("ps", "--quiet", service).split()}

    def split(self, first: Iterable[TrialAccount], second: Iterable[TrialAccount]) -> None:
        """Make shards of the two groups of workers: each keeps the files of its accounts alone."""
        for folder, others in ((self._folder / "config", second), (self._second_folder, first)):
            for account in others:
                (folder / "accounts" / f"{account.name}.yaml").unlink()

    # -- what it has done -----------------------------------------------------------------------------

    def settled_at(self) -> dict[tuple[str, str], float]:
        """Return by account and event when the ledger first had its outcome, in seconds since 1970."""
        rows = self._asked("SELECT account, event_id, min(at) FROM history GROUP BY account, event_id")
        return {(account, event): float(at) for account, event, at in rows}

    def used(self) -> dict[str, Used]:
        """Return what the containers that run have used so far, by service and number."""
        rows = self._compose("ps", "--format", "{{.Name}} {{.ID}}").splitlines()
        return {
            name.removeprefix(f"{self.project}-"): _used(run("docker", "top", id_, "-eo", "pid,cputimes,rss"))
            for name, id_ in (row.split() for row in rows)
        }


def _used(table: str) -> Used:
    processes = [line.split() for line in table.splitlines()[1:]]
    return Used(
        sum(float(seconds) for _, seconds, _ in processes),
        sum(float(rss) for _, _, rss in processes) / 1024,
    )
