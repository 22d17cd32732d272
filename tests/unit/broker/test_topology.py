"""Names, arguments and priorities that other people's deployments rely on."""

from collections import Counter

from worker.accounts.account import Account
from worker.accounts.bindings import routing_keys
from worker.broker.topology import (
    consumer_priority,
    dead_letter_queue,
    dead_letter_queue_arguments,
    work_queue,
    work_queue_arguments,
)
from worker.mapping import EventMapping

ACCOUNTS = [f"account-{number}" for number in range(600)]


def owners(workers: list[str]) -> dict[str, str]:
    """Which worker RabbitMQ gives each account to."""
    return {name: max(workers, key=lambda worker: consumer_priority(worker, name)) for name in ACCOUNTS}


def test_the_queues_are_as_the_contract_says() -> None:
    assert (work_queue("default"), dead_letter_queue("default")) == ("kit.default", "kit.default.dead")
    assert work_queue_arguments("default") == {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": 100,
        "x-dead-letter-exchange": "kit.dead",
        "x-dead-letter-routing-key": "default",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    assert dead_letter_queue_arguments() == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000,
        "x-overflow": "reject-publish",
    }


def test_accounts_spread_evenly_over_workers() -> None:
    share = Counter(owners(["one", "two", "three"]).values())

    assert all(150 < count < 250 for count in share.values())


def test_when_a_worker_leaves_only_its_accounts_move() -> None:
    before, after = owners(["one", "two", "three"]), owners(["one", "three"])

    assert all(before[name] == after[name] for name in ACCOUNTS if before[name] != "two")


def test_priorities_are_numbers_that_amqp_can_carry() -> None:
    assert all(0 <= consumer_priority("one", name) < 2**31 for name in ACCOUNTS)


def test_a_queue_is_bound_by_each_mapped_type_and_each_app() -> None:
    events = {"user.signed_up": EventMapping(), "order.paid": EventMapping()}

    assert routing_keys(Account("a", events=events)) == {"user.signed_up", "order.paid"}
    assert routing_keys(Account("a", apps=("sunny", "rainy"), events=events)) == {
        "user.signed_up.sunny", "user.signed_up.rainy", "order.paid.sunny", "order.paid.rainy",
    }  # fmt: skip
