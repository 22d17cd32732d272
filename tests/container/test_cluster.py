"""What the trial of the cluster tells is right; no engine is needed for these."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.container.ages import LATE, Ages
from tests.container.cluster_stack import NODES, ClusterStack

HERE = Path(__file__).parent
AT = 1000.0


def test_events_are_counted_from_shortly_before_a_fault_until_the_next_span() -> None:
    """Given events around a fault, those that it may have made late are of its span, no earlier ones."""
    confirmed = {
        ("a", "before"): AT - LATE - 1,
        ("a", "just"): AT - 1,
        ("b", "in"): AT + 9,
        ("b", "next"): AT + 20,
    }
    settled = {key: at + 0.5 for key, at in confirmed.items()}
    found = Ages.of(confirmed, settled, AT, AT + 20)
    assert (found.events, found.late, found.accounts, found.until) == (2, 0, 0, 0.0)
    assert (found.p50, found.oldest) == (0.5, 0.5)


def test_the_end_of_a_fault_is_when_the_last_late_event_was_settled() -> None:
    """Given late events of two accounts, the last of them tells when all is as before."""
    confirmed = {("a", "1"): AT - 2, ("b", "2"): AT + 3, ("b", "3"): AT + 60}
    settled = {("a", "1"): AT + 30, ("b", "2"): AT + 44, ("b", "3"): AT + 61}
    found = Ages.of(confirmed, settled, AT, AT + 100)
    assert (found.events, found.late, found.accounts, found.until, found.oldest) == (3, 2, 2, 44.0, 41.0)
    assert "2, of 2 accounts, later than 5 s, the last of these 44 s after it began" in str(found)


def test_what_is_not_settled_and_what_the_ledger_had_before_the_confirm() -> None:
    """Given an event that is lost, and one whose confirm was read late, neither makes an age of nonsense."""
    found = Ages.of({("a", "1"): AT, ("a", "2"): AT}, {("a", "2"): AT - 1}, AT, AT + 9)
    assert (found.events, found.p50, found.until) == (1, 0.0, 0.0)
    assert Ages.of({}, {}, AT, AT + 9).events == 0


def test_each_node_is_known_by_its_name_on_the_nodes_own_network_alone() -> None:
    """Given the name under which nodes find each other, no other network leads there once that one is cut."""
    text = (HERE / "cluster.yml").read_text(encoding="utf-8").replace("!override", "")
    services = yaml.safe_load(text)["services"]
    names = re.findall(r"= rabbit@(\S+)", (HERE / "cluster.conf").read_text(encoding="utf-8"))
    assert [services[node]["environment"]["RABBITMQ_NODENAME"] for node in NODES] == [
        f"rabbit@{name}" for name in names
    ]
    assert not {services[node]["hostname"] for node in NODES} & set(names)
    for node, name in zip(NODES, names, strict=True):
        networks = services[node]["networks"]
        assert networks.pop("cluster") == {"aliases": [name]}
        assert not any(networks.values())
    assert set(ClusterStack.services) - set(services) == {"postgres", "sandbox", "worker"}
