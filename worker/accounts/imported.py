"""What an event from a file asks for, otherwise than one that happens. Pure."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from worker.accounts.account import Account
from worker.events.event import Event, Origin
from worker.mapping import Asked
from worker.mapping.rule import EventMapping, Rule
from worker.subscribers.parts import Part, TagWish, tag_key


def without_tags(account: Account, kind: str) -> Account:
    """Return an account where events of a type put no tags on or off, and unsubscribe nobody."""
    mapping = account.events.get(kind)
    return account if mapping is None else replace(account, events={kind: _without_tags(mapping)})


def _without_tags(mapping: EventMapping) -> EventMapping:
    return replace(mapping, base=_tagless(mapping.base), rules=tuple(map(_tagless, mapping.rules)))


def _tagless(rule: Rule) -> Rule:
    """Return a rule without its tags; who was to be unsubscribed is still not created for that."""
    create = False if rule.unsubscribe and rule.create is None else rule.create
    return replace(
        rule,
        add_tags=(),
        remove_tags=(),
        remove_groups=(),
        tags_off=False,
        unsubscribe=False,
        create=create,
    )


def as_imported(asked: Asked, event: Event, account: Account) -> Asked:
    """Return what an event from a file asks for now: with its marker, and agreed to or known to be so.

    What of it takes effect later is nobody's agreement, and not known: that is as of any event. Nor has
    anybody agreed to what another file asks for than the one that was in force then.
    """
    imported = event.imported
    if imported is None or asked.skipped or not asked.change:
        return asked
    change, itself = asked.change, frozenset({event.order})
    if imported.marker:
        key = tag_key(imported.marker)
        wish = Part(TagWish(imported.marker, present=True), event.order)
        change = structs.replace(change, tags={**change.tags, key: wish}, first=frozenset({key}))
    if event.origin is Origin.IMPORT:
        if imported.version == account.version:
            change = structs.replace(change, agreed=itself)
        if imported.known:
            change = structs.replace(change, known=itself, creates=None)
    return structs.replace(asked, change=change)
