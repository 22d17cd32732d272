"""What the connection test finds of exchanges, queues, bindings and policies; it declares nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from worker.accounts.account import Account
from worker.accounts.bindings import routing_keys
from worker.broker.connection import OpensChannels
from worker.broker.management import Inspection, management_at
from worker.broker.queues import connected
from worker.broker.topology import Found, Topology, work_queue
from worker.errors import BrokerUnavailable
from worker.ops.findings import Finding, Weight
from worker.settings import Settings


async def check_topology(settings: Settings, accounts: Iterable[Account]) -> tuple[Finding, ...]:
    """Return what there is to say of the accounts' topology; nothing where RabbitMQ cannot be asked."""
    found: list[Finding] = []
    try:
        async with connected(settings.amqp_url.get_secret_value(), "check") as connection:
            for account in accounts:
                found += await _of_account(connection, settings, account)
    except BrokerUnavailable as error:
        return (*found, Finding("topology", str(error), Weight.NOTE))
    return tuple(dict.fromkeys(found))


async def _of_account(connection: OpensChannels, settings: Settings, account: Account) -> list[Finding]:
    there = await Topology(connection, settings.events_exchange).look(account.name)
    if work_queue(account.name) in there.missing:
        return []  # no worker has run yet
    found = list(_lost(account.name, there))
    if (management := management_at(settings.amqp_management_url, settings.amqp_url)) is not None:
        try:
            exchange, keys = settings.events_exchange, routing_keys(account)
            found += _inspected(account.name, await management.inspect(account.name, exchange, keys))
        except BrokerUnavailable as error:
            found.append(Finding("AMQP_MANAGEMENT_URL", str(error), Weight.LOOK))
    return found


def _lost(account: str, there: Found) -> Iterator[Finding]:
    for name in there.missing:
        text = f"{name} is gone, which {account} needs: a worker that runs declares it again within a minute"
        yield Finding(f"topology of {account}", text, Weight.LOOK)
    for exchange in sorted(there.unguarded):
        text = (
            f"{exchange} was deleted and declared anew since a worker bound the queues of {account}, or the "
            "worker's user may not write to it: a worker that runs binds them again within a minute"
        )
        yield Finding(f"topology of {account}", text, Weight.NOTE)


def _inspected(account: str, found: Inspection) -> Iterator[Finding]:
    for harm in found.harms:
        yield Finding("policy", harm, Weight.LOOK)
    if found.lacking:
        keys = ", ".join(sorted(found.lacking))
        text = f"not bound by {keys}: a worker that runs binds it again within a minute"
        yield Finding(f"queue {work_queue(account)}", text, Weight.LOOK)
    if found.beyond:
        keys = ", ".join(sorted(found.beyond))
        text = f"bound by {keys} too, which its file does not name: its events are dead-lettered or ignored"
        yield Finding(f"queue {work_queue(account)}", text, Weight.LOOK)
