"""Makes a fact of an event that opens or closes a subscription. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from worker.accounts.account import Account
from worker.events.event import Event
from worker.events.values import Missing, lookup
from worker.mapping import Asked
from worker.subscribers.fact import Fact
from worker.subscribers.identity import given_id, id_key
from worker.subscribers.mark import fact_mark


def as_fact(event: Event, account: Account, asked: Asked, user: str = "", *, again: bool = False) -> Asked:
    """Return what an event asks for: where it opens or closes a subscription, with a fact of it.

    What goes with the subscription is in the fact; what the event says of the person alone stays beside it.
    An event that is skipped closes its subscription all the same, and opens none.

    Args:
        event: What happened.
        account: Under whose mapping.
        asked: What that says.
        user: Whose subscription it is, as `id_key` writes the platform's id; empty where the event has none.
        again: Whether the event was delivered before.
    """
    mapping = account.events.get(event.type)
    if mapping is None or mapping.lifecycle is None or (asked.skipped and mapping.lifecycle == "opens"):
        return asked
    change, shown = asked.change, account.subscription_fields
    fields = {name: part.value for name, part in change.fields.items() if name not in asked.sets}
    opens = mapping.lifecycle == "opens"
    fact = Fact(
        event.order,
        opens,
        user,
        _subscription_id(event),
        tags={key: part.value for key, part in change.tags.items()},
        gave={key: part.value for key, part in change.gave.items()},
        sets={name: value for name, value in asked.sets.items() if name in change.fields},
        shows={name: value for name, value in fields.items() if name in shown},
        ended=tuple(sorted(account.ending_fields - fields.keys())) if opens and change.ensure else (),
        tags_off=change.tags_off is not None,
        fields_off=change.fields_off is not None,
        unsubscribe=change.unsubscribe is not None,
        due=asked.due if asked.due is not None and asked.due > event.time else None,
        phase=asked.phase,
        again=again,
        event=fact_mark(event),
        fields_only=event.imported is not None and event.imported.fields_only,
    )
    beside = {name: part for name, part in change.fields.items() if name in fields and name not in shown}
    alone = replace(
        change,
        tags={},
        gave={},
        fields=beside,
        tags_off=None,
        fields_off=None,
        unsubscribe=None,
        facts=(fact,),
    )
    return replace(asked, change=alone)


def _subscription_id(event: Event) -> str:
    """Return the platform's id of the subscription; empty where there is none to read."""
    value = lookup(event.data, "subscription.id")
    return "" if isinstance(value, Missing) else id_key(given_id(value) or "")
